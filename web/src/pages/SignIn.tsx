import { type FormEvent, useState } from "react";
import { Link, Navigate, useSearchParams } from "react-router";
import { Problem } from "../api/http.ts";
import { askForPasskey, signIn, signInWithCode, signInWithPasskey } from "../api/service.ts";
import type { SignedIn } from "../api/types.ts";
import { useSession } from "../app/session.tsx";
import { useI18n } from "../i18n/index.tsx";
import { askPasskey, passkeysWork } from "../lib/passkey.ts";
import { Button } from "../ui/Button.tsx";
import { CodeField } from "../ui/CodeField.tsx";
import { PasswordField, TextField } from "../ui/Field.tsx";
import { Page } from "../ui/Page.tsx";
import { Notice } from "../ui/States.tsx";

/** Only a page of this site: a path, never another host. */
function safeNext(next: string | null): string {
  return next !== null && /^\/(?![/\\])/.test(next) ? next : "/wallet";
}

/** The account of whoever has the passkey. */
async function byPasskey(): Promise<string> {
  const question = await askForPasskey();
  const credential = await askPasskey(question.public_key);
  return (await signInWithPasskey({ challenge: question.challenge, credential })).account ?? "";
}

/** One button that signs in, with what went wrong told to the page. */
function PasskeyButton({ label, onSignedIn, onProblem }: { label: string; onSignedIn: (account: string) => void; onProblem: (problem: Problem | null) => void }) {
  const [busy, setBusy] = useState(false);
  const go = async () => {
    setBusy(true);
    onProblem(null);
    try {
      onSignedIn(await byPasskey());
    } catch (error) {
      onProblem(error instanceof Problem ? error : new Problem("unexpected", 0, String(error), null, {}));
      setBusy(false);
    }
  };
  return (
    <Button wide busy={busy} onClick={() => void go()}>
      {label}
    </Button>
  );
}

export default function SignIn() {
  const { t, problem: problemText } = useI18n();
  const { session, signedIn } = useSession();
  const [parameters] = useSearchParams();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [awaited, setAwaited] = useState<SignedIn | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const next = parameters.get("next");

  if (session.state === "in") return <Navigate to={safeNext(next)} replace />;

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setProblem(null);
    try {
      const answer = await signIn({ email: email.trim(), password });
      if (answer.account) signedIn(answer.account);
      else {
        setAwaited(answer);
        setPassword("");
        setBusy(false);
      }
    } catch (error) {
      setProblem(error instanceof Problem ? error : new Problem("unexpected", 0, String(error), null, {}));
      setPassword("");
      setBusy(false);
    }
  };

  if (awaited)
    return (
      <SecondStep
        awaited={awaited}
        onSignedIn={signedIn}
        onExpired={(expired) => {
          setProblem(expired);
          setAwaited(null);
        }}
      />
    );

  return (
    <Page kind="narrow" title={t.signIn.title} lead={next !== null ? t.signIn.needed : undefined}>
      <form className="form" onSubmit={(event) => void submit(event)}>
        {problem && <Notice tone="problem">{problemText(problem)}</Notice>}
        <TextField
          label={t.signIn.email}
          type="email"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          required
          maxLength={254}
          value={email}
          onChange={setEmail}
        />
        <PasswordField
          label={t.signIn.password}
          autoComplete="current-password"
          required
          maxLength={128}
          value={password}
          onChange={setPassword}
        />
        <Button type="submit" kind="primary" wide busy={busy}>
          {t.signIn.submit}
        </Button>
        {passkeysWork() && <PasskeyButton label={t.passkeys.signIn} onSignedIn={signedIn} onProblem={setProblem} />}
      </form>
      <p className="small soft">
        {t.signIn.noAccount} <Link to="/register">{t.shell.register}</Link>
      </p>
    </Page>
  );
}

interface SecondStepProps {
  awaited: SignedIn;
  onSignedIn: (account: string) => void;
  /** Back to the password, with the reason if it took too long. */
  onExpired: (problem: Problem | null) => void;
}

/** The code after the password. It is kept nowhere: a reload begins with the password again. */
function SecondStep({ awaited, onSignedIn, onExpired }: SecondStepProps) {
  const { t, problem: problemText } = useI18n();
  const [code, setCode] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const proofs = awaited.proofs ?? [];

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy || !code) return;
    setBusy(true);
    setProblem(null);
    try {
      const { account } = await signInWithCode({ sign_in: awaited.sign_in ?? "", code });
      onSignedIn(account ?? "");
    } catch (error) {
      const failed = error instanceof Problem ? error : new Problem("unexpected", 0, String(error), null, {});
      if (failed.code === "sign_in_expired") return onExpired(failed);
      setProblem(failed);
      setCode("");
      setBusy(false);
    }
  };

  const text = proofs.includes("totp")
    ? t.secondStep.text
    : proofs.includes("passkey")
      ? t.secondStep.passkeyText
      : t.secondStep.recoveryText;
  return (
    <Page kind="narrow" title={t.secondStep.title} lead={text}>
      <form className="form" onSubmit={(event) => void submit(event)} noValidate>
        {problem && <Notice tone="problem">{problemText(problem)}</Notice>}
        {proofs.includes("passkey") && passkeysWork() && (
          <PasskeyButton label={t.passkeys.use} onSignedIn={onSignedIn} onProblem={setProblem} />
        )}
        <CodeField proofs={proofs} value={code} onChange={setCode} />
        <Button type="submit" kind="primary" wide busy={busy} disabled={!code}>
          {t.signIn.submit}
        </Button>
      </form>
      <p>
        <Button small kind="quiet" onClick={() => onExpired(null)}>
          {t.secondStep.startAgain}
        </Button>
      </p>
    </Page>
  );
}
