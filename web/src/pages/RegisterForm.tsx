import { type FormEvent, useId, useRef, useState } from "react";
import { Problem } from "../api/http.ts";
import { register } from "../api/service.ts";
import { useCatalogue, useLimits, usePolicy } from "../api/shared.ts";
import type { Registration } from "../api/types.ts";
import { useI18n } from "../i18n/index.tsx";
import { documents } from "../lib/documents.ts";
import { shortHash } from "../lib/format.ts";
import { Button } from "../ui/Button.tsx";
import { PasswordField, TextField } from "../ui/Field.tsx";
import { Loaded, Notice } from "../ui/States.tsx";

/** Until the Service has said its own; it checks in any case. */
const passwordLengthMin = 15;

export function RegisterForm({ onStarted }: { onStarted: (started: Registration) => void }) {
  const { t, language, problem: problemText } = useI18n();
  const policy = usePolicy();
  const limits = useLimits().data;
  const catalogue = useCatalogue(language).data;
  const [email, setEmail] = useState("");
  const [phone, setPhone] = useState("");
  const [password, setPassword] = useState("");
  const [acceptedHash, setAcceptedHash] = useState<string | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [checked, setChecked] = useState(false);
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const box = useId();

  const minimum = limits?.password.length_min ?? passwordLengthMin;
  const hash = policy.data?.hash ?? null;
  const accepted = hash !== null && acceptedHash === hash;
  const length = [...password].length;

  /** The catalogue's own words on why a field is asked and how long it is kept. */
  const why = (name: string) => {
    const field = catalogue?.fields.find((entry) => entry.field === name);
    return field && t.register.why(field.why, field.retention);
  };

  const local: Record<string, string | null> = {
    email: email.trim() === "" || !email.includes("@") ? t.errors.invalid_email : null,
    phone: phone.trim() === "" ? t.errors.invalid_phone : null,
    password: length < minimum ? t.errors.weak_password : null,
  };
  const errorOf = (field: "email" | "phone" | "password") => {
    if (problem && (problem.field === field || fieldOf[problem.code] === field)) return problemText(problem);
    return checked ? local[field] : null;
  };

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    setChecked(true);
    setProblem(null);
    if (local.email || local.phone || local.password || !accepted || hash === null) {
      focusFirstError();
      return;
    }
    setBusy(true);
    try {
      onStarted(
        await register({
          email: email.trim(),
          phone: phone.replace(/[\s()-]/g, ""),
          password,
          policy_hash: hash,
          locale: language,
        }),
      );
    } catch (error) {
      const refused = error instanceof Problem ? error : new Problem("unexpected", 0, String(error), null, {});
      setProblem(refused);
      if (refused.code === "policy_outdated") {
        setAcceptedHash(null);
        policy.reload();
      }
      setBusy(false);
      focusFirstError();
    }
  };
  const focusFirstError = () =>
    requestAnimationFrame(() => form.current?.querySelector<HTMLElement>("[aria-invalid]")?.focus());

  const general = problem && !problem.field && !fieldOf[problem.code] ? problem : null;
  return (
    <form className="form" ref={form} onSubmit={(event) => void submit(event)} noValidate>
      {general && <Notice tone="problem">{problemText(general)}</Notice>}
      <TextField
        label={t.register.email}
        type="email"
        inputMode="email"
        autoComplete="email"
        autoCapitalize="none"
        spellCheck={false}
        maxLength={254}
        value={email}
        onChange={setEmail}
        error={errorOf("email")}
        why={why("email")}
      />
      <TextField
        label={t.register.phone}
        type="tel"
        autoComplete="tel"
        maxLength={32}
        placeholder="+380"
        value={phone}
        onChange={setPhone}
        error={errorOf("phone")}
        hint={t.register.phoneHint}
        why={why("mobile_phone")}
      />
      <PasswordField
        label={t.register.password}
        autoComplete="new-password"
        maxLength={limits?.password.length_max ?? 128}
        value={password}
        onChange={setPassword}
        error={errorOf("password")}
        hint={t.register.passwordHint(minimum)}
        why={why("password_hash")}
        aside={length > 0 && t.register.passwordCount(length, minimum)}
      />
      <Loaded of={policy} lines={4}>
        {(data) => (
          <fieldset className="panel">
            <legend className="visually-hidden">{t.register.terms}</legend>
            <h2>{t.register.terms}</h2>
            <p className="small soft">{t.register.termsText}</p>
            <div className="terms-links">
              <a href={documents(language, "terms")} target="_blank" rel="noreferrer">
                {t.register.readTerms}
              </a>
              <a href={documents(language, "privacy")} target="_blank" rel="noreferrer">
                {t.register.readPrivacy}
              </a>
            </div>
            <div className="check">
              <input
                id={box}
                type="checkbox"
                checked={accepted}
                aria-invalid={checked && !accepted ? true : undefined}
                aria-describedby={`${box}-note`}
                onChange={(event) => setAcceptedHash(event.target.checked ? data.hash : null)}
              />
              <label htmlFor={box} className="small">
                {t.register.acknowledge(data.version, shortHash(data.hash))}
              </label>
            </div>
            {checked && !accepted && (
              <p className="error-text" role="alert">
                {t.register.mustAccept}
              </p>
            )}
            <p className="why" id={`${box}-note`}>
              {t.register.acknowledgeNote}
            </p>
          </fieldset>
        )}
      </Loaded>
      <Button type="submit" kind="primary" busy={busy} wide>
        {t.register.create}
      </Button>
    </form>
  );
}

const fieldOf: Record<string, string> = { invalid_email: "email", invalid_phone: "phone", weak_password: "password" };
