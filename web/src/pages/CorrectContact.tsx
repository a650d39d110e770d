import { type FormEvent, useState } from "react";
import { Problem } from "../api/http.ts";
import { confirmCorrection, startCorrection } from "../api/service.ts";
import type { Contact } from "../api/types.ts";
import { useI18n } from "../i18n/index.tsx";
import { Button } from "../ui/Button.tsx";
import { Dialog } from "../ui/Dialog.tsx";
import { PasswordField, TextField } from "../ui/Field.tsx";
import { Notice } from "../ui/States.tsx";
import { useToast } from "../ui/Toast.tsx";

/** Changes an e-mail address or phone number: the new one and the password first, then the code that came to it. */
export function CorrectContact({ contact, onClose, onDone }: { contact: Contact; onClose: () => void; onDone: () => void }) {
  const { t, problem: problemText } = useI18n();
  const toast = useToast();
  const [value, setValue] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const [sent, setSent] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setProblem(null);
    try {
      if (sent) {
        await confirmCorrection(contact, code);
        toast(t.rights.changed);
        onDone();
        return;
      }
      await startCorrection(contact, { value, password });
      setSent(true);
    } catch (error) {
      setProblem(error instanceof Problem ? error : new Problem("unexpected", 0, String(error), null, {}));
    }
    setBusy(false);
  };
  return (
    <Dialog title={t.rights.changeTitle[contact]} onClose={onClose}>
      <form className="form tight" onSubmit={(event) => void submit(event)} noValidate>
        <p className="soft small">{sent ? t.rights.codeText : t.rights.changeText}</p>
        {sent ? (
          <TextField
            key="code"
            label={t.rights.code}
            look="code"
            inputMode="numeric"
            autoComplete="one-time-code"
            autoFocus
            value={code}
            onChange={(typed) => setCode(typed.replace(/\D/g, "").slice(0, 6))}
          />
        ) : (
          <>
            <TextField
              key="value"
              label={t.rights.newValue[contact]}
              type={contact === "email" ? "email" : "tel"}
              autoComplete={contact === "email" ? "email" : "tel"}
              maxLength={254}
              value={value}
              onChange={setValue}
            />
            <PasswordField
              label={t.rights.password}
              hint={t.rights.passwordWhy}
              autoComplete="current-password"
              value={password}
              onChange={setPassword}
            />
          </>
        )}
        {problem && <Notice tone="problem">{problemText(problem)}</Notice>}
        <div className="actions">
          <Button onClick={onClose}>{t.common.back}</Button>
          <Button type="submit" kind="primary" busy={busy} disabled={sent ? code.length !== 6 : !value || !password}>
            {sent ? t.common.confirm : t.rights.sendCode}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
