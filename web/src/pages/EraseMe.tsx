import { type FormEvent, useState } from "react";
import { Link, useNavigate } from "react-router";
import { Problem } from "../api/http.ts";
import { eraseMe, getErasure } from "../api/service.ts";
import type { Obstacle } from "../api/types.ts";
import { useResource } from "../api/useResource.ts";
import { useI18n } from "../i18n/index.tsx";
import { Button } from "../ui/Button.tsx";
import { PasswordField } from "../ui/Field.tsx";
import { Page } from "../ui/Page.tsx";
import { Loaded, Notice } from "../ui/States.tsx";
import { HeldByLaw } from "./HeldByLaw.tsx";
import "./my-data.css";

/** Erasure: what stands in the way, the password, and no way back. */
export default function EraseMe() {
  const { t } = useI18n();
  const state = useResource("erasure", (signal) => getErasure(signal));
  return (
    <Page title={t.erase.title} lead={t.erase.lead} kind="narrow">
      <p className="soft">{t.erase.keeps}</p>
      <Loaded of={state} lines={4}>
        {(data) => (
          <>
            <HeldByLaw held={data.held} />
            <EraseForm obstacles={data.obstacles} look={state.reload} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

function EraseForm({ obstacles, look }: { obstacles: Obstacle[]; look: () => void }) {
  const { t, problem: problemText } = useI18n();
  const navigate = useNavigate();
  const [password, setPassword] = useState("");
  const [leave, setLeave] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const balances = obstacles.filter((one) => one.kind === "balance");
  const pending = obstacles.length > balances.length;
  const blocked = pending || (balances.length > 0 && !leave);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy || blocked || !password) return;
    setBusy(true);
    setProblem(null);
    try {
      const certificate = await eraseMe({ password, leave_balances: leave });
      await navigate(`/erased/${certificate.statement.subject}`, { replace: true });
    } catch (error) {
      setProblem(error instanceof Problem ? error : new Problem("unexpected", 0, String(error), null, {}));
      setBusy(false);
      look();
    }
  };
  const text = (one: Obstacle) => {
    const plain = one.amount.includes(".") ? one.amount.replace(/\.?0+$/, "") : one.amount;
    const amount = [plain, one.asset].filter(Boolean).join(" ");
    const line = t.erase.obstacle[one.kind](amount);
    if (one.kind === "open_orders") return <Link to="/orders">{line}</Link>;
    if (one.kind === "balance") return <Link to="/wallet">{line}</Link>;
    return <Link to={`/${one.kind === "deposit" ? "deposit" : "withdraw"}/${one.id}`}>{line}</Link>;
  };
  return (
    <form className="form" onSubmit={(event) => void submit(event)} noValidate>
      {obstacles.length === 0 ? (
        <Notice tone="good">{t.erase.clear}</Notice>
      ) : (
        <section className="panel" aria-labelledby="obstacles">
          <h2 id="obstacles">{t.erase.obstacles}</h2>
          <p className="soft small">{t.erase.obstaclesText}</p>
          <ul className="changes">
            {obstacles.map((one) => (
              <li key={`${one.kind} ${one.id ?? one.asset}`}>{text(one)}</li>
            ))}
          </ul>
          {balances.length > 0 && (
            <label className="check">
              <input type="checkbox" checked={leave} onChange={(event) => setLeave(event.target.checked)} />
              <span>{t.erase.leave}</span>
            </label>
          )}
          <div className="actions">
            <Button small onClick={look}>
              {t.erase.look}
            </Button>
          </div>
        </section>
      )}
      <PasswordField
        label={t.rights.password}
        hint={t.rights.passwordWhy}
        autoComplete="current-password"
        value={password}
        onChange={setPassword}
      />
      {problem && <Notice tone="problem">{problemText(problem)}</Notice>}
      <div className="actions">
        <Button type="submit" kind="sell" busy={busy} disabled={blocked || !password}>
          {t.erase.submit}
        </Button>
        <Link to="/my-data">{t.common.back}</Link>
      </div>
    </form>
  );
}
