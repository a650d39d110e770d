import { type FormEvent, useState } from "react";
import { Problem } from "../api/http.ts";
import { changePassword } from "../api/service.ts";
import { useI18n } from "../i18n/index.tsx";
import { Button } from "../ui/Button.tsx";
import { Dialog } from "../ui/Dialog.tsx";
import { PasswordField } from "../ui/Field.tsx";
import { Notice } from "../ui/States.tsx";
import { useToast } from "../ui/Toast.tsx";

/** Changes the password: the one in use, then the new one. */
export function ChangePassword() {
  const { t } = useI18n();
  const [open, setOpen] = useState(false);
  return (
    <div className="panel">
      <div className="factor">
        <p className="soft small">{t.accountSecurity.passwordText}</p>
        <Button onClick={() => setOpen(true)}>{t.accountSecurity.passwordChange}</Button>
      </div>
      {open && <Change onClose={() => setOpen(false)} />}
    </div>
  );
}

function Change({ onClose }: { onClose: () => void }) {
  const { t, problem: problemText } = useI18n();
  const toast = useToast();
  const [old, setOld] = useState("");
  const [next, setNext] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy || !old || !next) return;
    setBusy(true);
    setProblem(null);
    try {
      await changePassword({ password: old, new_password: next });
      toast(t.accountSecurity.passwordChanged);
      onClose();
    } catch (error) {
      setProblem(error instanceof Problem ? error : new Problem("unexpected", 0, String(error), null, {}));
      setBusy(false);
    }
  };
  const errorOf = (field: string) => (problem?.field === field ? problemText(problem) : null);
  const isElsewhere = problem && problem.field !== "password" && problem.field !== "new_password";
  return (
    <Dialog title={t.accountSecurity.passwordChange} onClose={onClose}>
      <form className="form tight" onSubmit={(event) => void submit(event)} noValidate>
        <PasswordField
          label={t.accountSecurity.passwordOld}
          autoComplete="current-password"
          autoFocus
          maxLength={128}
          value={old}
          onChange={setOld}
          error={errorOf("password")}
        />
        <PasswordField
          label={t.accountSecurity.passwordNew}
          hint={t.accountSecurity.passwordHint}
          autoComplete="new-password"
          maxLength={128}
          value={next}
          onChange={setNext}
          error={errorOf("new_password")}
        />
        {isElsewhere && <Notice tone="problem">{problemText(problem)}</Notice>}
        <div className="actions">
          <Button onClick={onClose}>{t.common.back}</Button>
          <Button type="submit" kind="primary" busy={busy} disabled={!old || !next}>
            {t.accountSecurity.passwordChange}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
