import { type FormEvent, useEffect, useRef, useState } from "react";
import { Problem } from "../api/http.ts";
import { confirmRegistration, sendCodesAgain } from "../api/service.ts";
import { useHealth } from "../api/shared.ts";
import { useSession } from "../app/session.tsx";
import { useI18n } from "../i18n/index.tsx";
import { formatCountdown } from "../lib/format.ts";
import { Button } from "../ui/Button.tsx";
import { TextField } from "../ui/Field.tsx";
import { Notice } from "../ui/States.tsx";
import { useToast } from "../ui/Toast.tsx";
import { useNow } from "../ui/useNow.ts";

interface RegisterCodesProps {
  registration: string;
  /** `null` when it is not known, as after a reload. */
  expiresAt: string | null;
  onExpiry: (at: string | null) => void;
  onOpened: (account: string) => void;
  onRestart: () => void;
}

const digits = (text: string) => text.replace(/\D/g, "").slice(0, 6);

export function RegisterCodes({ registration, expiresAt, onExpiry, onOpened, onRestart }: RegisterCodesProps) {
  const { t, problem: problemText } = useI18n();
  const { signedIn } = useSession();
  const toast = useToast();
  const demo = useHealth().data?.demo === true;
  const [emailCode, setEmailCode] = useState("");
  const [phoneCode, setPhoneCode] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const [checked, setChecked] = useState(false);
  const [busy, setBusy] = useState(false);
  const [sending, setSending] = useState(false);
  const [waitUntil, setWaitUntil] = useState(0);
  const first = useRef<HTMLInputElement>(null);
  const now = useNow(1_000);

  useEffect(() => first.current?.focus(), []);

  const secondsLeft = expiresAt === null ? null : (Date.parse(expiresAt) - now) / 1000;
  const wait = (waitUntil - now) / 1000;
  const ended = problem?.code === "unknown_registration" || problem?.code === "registration_expired";

  const fail = (error: unknown) => {
    const refused = error instanceof Problem ? error : new Problem("unexpected", 0, String(error), null, {});
    setProblem(refused);
    const seconds = refused.extra.retry_after_s;
    if (typeof seconds === "number") setWaitUntil(Date.now() + seconds * 1000);
  };
  const confirm = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    setChecked(true);
    setProblem(null);
    if (emailCode.length !== 6 || phoneCode.length !== 6) return;
    setBusy(true);
    try {
      const { account } = await confirmRegistration(registration, { email_code: emailCode, phone_code: phoneCode });
      onOpened(account);
      signedIn(account);
    } catch (error) {
      fail(error);
      setBusy(false);
      first.current?.select();
    }
  };
  const resend = async () => {
    if (sending || wait > 0) return;
    setSending(true);
    setProblem(null);
    try {
      const answer = await sendCodesAgain(registration);
      onExpiry(answer?.codes_expire_at ?? null);
      setEmailCode("");
      setPhoneCode("");
      setChecked(false);
      toast(t.register.resent);
      first.current?.focus();
    } catch (error) {
      fail(error);
    }
    setSending(false);
  };

  return (
    <form className="form" onSubmit={(event) => void confirm(event)} noValidate>
      {demo && (
        <Notice
          tone="accent"
          action={
            <a href="/dev/messages" target="_blank" rel="noreferrer">
              {t.register.demoLink}
            </a>
          }
        >
          {t.register.demo}
        </Notice>
      )}
      <div className="two-codes">
        <TextField
          label={t.register.emailCode}
          look="code"
          inputRef={first}
          inputMode="numeric"
          autoComplete="one-time-code"
          value={emailCode}
          onChange={(value) => setEmailCode(digits(value))}
          error={checked && emailCode.length !== 6 ? t.register.codeHint : null}
        />
        <TextField
          label={t.register.phoneCode}
          look="code"
          inputMode="numeric"
          autoComplete="one-time-code"
          value={phoneCode}
          onChange={(value) => setPhoneCode(digits(value))}
          error={checked && phoneCode.length !== 6 ? t.register.codeHint : null}
        />
      </div>
      {problem && (
        <Notice tone="problem" action={ended && <Button small onClick={onRestart}>{t.register.create}</Button>}>
          {problemText(problem)}
        </Notice>
      )}
      {secondsLeft !== null && (
        <p className="hint">{secondsLeft > 0 ? t.register.expiresIn(formatCountdown(secondsLeft)) : t.register.expired}</p>
      )}
      <Button type="submit" kind="primary" wide busy={busy}>
        {t.common.confirm}
      </Button>
      <div className="actions">
        <Button kind="quiet" busy={sending} disabled={wait > 0} onClick={() => void resend()}>
          {wait > 0 ? t.register.resendIn(formatCountdown(wait)) : t.register.resend}
        </Button>
        <Button kind="quiet" onClick={onRestart}>
          {t.register.startAgain}
        </Button>
      </div>
    </form>
  );
}
