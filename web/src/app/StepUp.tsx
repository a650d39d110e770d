/** Asks who is there, when the Service wants to know before something that could harm; the request then goes on by itself. */
import { type FormEvent, useEffect, useRef, useState } from "react";
import { onStepUp, Problem } from "../api/http.ts";
import { askForPasskey, prove } from "../api/service.ts";
import { useI18n } from "../i18n/index.tsx";
import { askPasskey, passkeysWork } from "../lib/passkey.ts";
import { Button } from "../ui/Button.tsx";
import { CodeField } from "../ui/CodeField.tsx";
import { Dialog } from "../ui/Dialog.tsx";
import { PasswordField } from "../ui/Field.tsx";
import { Notice } from "../ui/States.tsx";

interface Asked {
  proofs: string[];
  answer: (shown: boolean) => void;
}

export function StepUp() {
  const [asked, setAsked] = useState<Asked | null>(null);
  const waiting = useRef<Promise<boolean> | null>(null);
  useEffect(
    () =>
      onStepUp((proofs) => {
        // Several requests at once ask once.
        waiting.current ??= new Promise<boolean>((resolve) => {
          setAsked({
            proofs,
            answer: (shown) => {
              waiting.current = null;
              setAsked(null);
              resolve(shown);
            },
          });
        });
        return waiting.current;
      }),
    [],
  );
  return asked && <Asking {...asked} />;
}

function Asking({ proofs, answer }: Asked) {
  const { t, problem: problemText } = useI18n();
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const byPassword = proofs.includes("password");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void show(() => prove(byPassword ? { password } : { code }));
  };
  const byPasskey = () =>
    show(async () => {
      const question = await askForPasskey();
      const credential = await askPasskey(question.public_key);
      await prove({ passkey: { challenge: question.challenge, credential } });
    });
  const show = async (work: () => Promise<unknown>) => {
    if (busy) return;
    setBusy(true);
    setProblem(null);
    try {
      await work();
      answer(true);
    } catch (error) {
      setProblem(error instanceof Problem ? error : new Problem("unexpected", 0, String(error), null, {}));
      setBusy(false);
    }
  };
  return (
    <Dialog title={t.stepUp.title} onClose={() => answer(false)}>
      <form className="form tight" onSubmit={submit} noValidate>
        <p className="soft small">{t.stepUp.text}</p>
        {proofs.includes("passkey") && passkeysWork() && (
          <Button wide busy={busy} onClick={() => void byPasskey()}>
            {t.passkeys.use}
          </Button>
        )}
        {byPassword ? (
          <PasswordField
            label={t.stepUp.password}
            autoComplete="current-password"
            autoFocus
            maxLength={128}
            value={password}
            onChange={setPassword}
          />
        ) : (
          <CodeField proofs={proofs} value={code} onChange={setCode} />
        )}
        {problem && <Notice tone="problem">{problemText(problem)}</Notice>}
        <div className="actions">
          <Button onClick={() => answer(false)}>{t.common.back}</Button>
          <Button type="submit" kind="primary" busy={busy} disabled={byPassword ? !password : !code}>
            {t.stepUp.submit}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
