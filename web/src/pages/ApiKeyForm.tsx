import { type FormEvent, useId, useState } from "react";
import { Problem } from "../api/http.ts";
import { createApiKey } from "../api/service.ts";
import type { ApiKey, NewApiKey } from "../api/types.ts";
import { useI18n } from "../i18n/index.tsx";
import { Button } from "../ui/Button.tsx";
import { Copyable } from "../ui/Copy.tsx";
import { TextArea, TextField } from "../ui/Field.tsx";
import { Segments } from "../ui/Segments.tsx";
import { Notice } from "../ui/States.tsx";
import "./my-data.css";

const command = "openssl genpkey -algorithm ed25519 -out key.pem && openssl pkey -in key.pem -pubout";
const labelLengthMax = 40;
const publicKeyLengthMax = 1_024;

export function ApiKeyForm({ onCreated }: { onCreated: (key: NewApiKey) => void }) {
  const { t, problem: problemText } = useI18n();
  const [label, setLabel] = useState("");
  const [type, setType] = useState<ApiKey["type"]>("ed25519");
  const [publicKey, setPublicKey] = useState("");
  const [trade, setTrade] = useState(true);
  const [checked, setChecked] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const box = useId();

  const isPrivate = publicKey.includes("PRIVATE KEY");
  const faults = {
    label: label.trim() === "" ? t.apiKeys.enterLabel : null,
    public_key:
      type === "hmac"
        ? null
        : isPrivate
          ? t.apiKeys.privatePasted
          : /-----BEGIN PUBLIC KEY-----[\s\S]+-----END PUBLIC KEY-----/.test(publicKey)
            ? null
            : t.apiKeys.enterKey,
  };
  const errorOf = (field: "label" | "public_key") => {
    if (problem?.field === field) return problemText(problem);
    return checked || (field === "public_key" && isPrivate) ? faults[field] : null;
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    setChecked(true);
    setProblem(null);
    if (faults.label || faults.public_key) return;
    setBusy(true);
    try {
      const permissions: ApiKey["permissions"] = trade ? ["read", "trade"] : ["read"];
      const common = { label: label.trim(), permissions };
      onCreated(
        await createApiKey(
          type === "hmac" ? { ...common, type } : { ...common, type, public_key: `${publicKey.trim()}\n` },
        ),
      );
    } catch (error) {
      setProblem(error instanceof Problem ? error : new Problem("unexpected", 0, String(error), null, {}));
    }
    setBusy(false);
  };

  return (
    <section className="section" aria-labelledby="new-key">
      <h2 id="new-key">{t.apiKeys.create}</h2>
      <form className="form key-form" onSubmit={(event) => void submit(event)} noValidate>
        <TextField
          label={t.apiKeys.label}
          hint={t.apiKeys.labelHint}
          maxLength={labelLengthMax}
          autoComplete="off"
          value={label}
          onChange={setLabel}
          error={errorOf("label")}
        />
        <div className="field">
          <Segments
            label={t.apiKeys.type}
            labelled
            value={type}
            onChange={setType}
            options={[
              { value: "ed25519", label: t.apiKeys.ed25519 },
              { value: "hmac", label: t.apiKeys.hmac },
            ]}
          />
          <p className="hint">{t.apiKeys.typeText[type]}</p>
        </div>
        {type === "ed25519" && (
          <TextArea
            label={t.apiKeys.publicKey}
            rows={4}
            maxLength={publicKeyLengthMax}
            spellCheck={false}
            autoComplete="off"
            placeholder={"-----BEGIN PUBLIC KEY-----\n…\n-----END PUBLIC KEY-----"}
            value={publicKey}
            onChange={setPublicKey}
            error={errorOf("public_key")}
            hint={
              <>
                <p>{t.apiKeys.publicKeyHint}</p>
                <Copyable value={command} label={t.apiKeys.publicKeyHint} />
              </>
            }
          />
        )}
        <fieldset className="field">
          <legend className="label">{t.apiKeys.permissions}</legend>
          <div className="check">
            <input id={`${box}-read`} type="checkbox" checked disabled readOnly />
            <label htmlFor={`${box}-read`} className="small">
              {t.apiKeys.read}
            </label>
          </div>
          <div className="check">
            <input id={`${box}-trade`} type="checkbox" checked={trade} onChange={(event) => setTrade(event.target.checked)} />
            <label htmlFor={`${box}-trade`} className="small">
              {t.apiKeys.trade}
            </label>
          </div>
        </fieldset>
        {problem && problem.field !== "label" && problem.field !== "public_key" && (
          <Notice tone="problem">{problemText(problem)}</Notice>
        )}
        <div className="actions">
          <Button type="submit" kind="primary" busy={busy}>
            {t.apiKeys.submit}
          </Button>
        </div>
      </form>
    </section>
  );
}
