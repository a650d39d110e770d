import { type FormEvent, useEffect, useRef, useState } from "react";
import { Problem } from "../api/http.ts";
import { confirmTotp, offerTotp } from "../api/service.ts";
import type { TotpOffer } from "../api/types.ts";
import { useI18n } from "../i18n/index.tsx";
import { Button } from "../ui/Button.tsx";
import { Copyable } from "../ui/Copy.tsx";
import { Dialog } from "../ui/Dialog.tsx";
import { TextField } from "../ui/Field.tsx";
import { Failed, Notice, Skeleton } from "../ui/States.tsx";
import { useToast } from "../ui/Toast.tsx";

const asProblem = (error: unknown) =>
  error instanceof Problem ? error : new Problem("unexpected", 0, String(error), null, {});

/** Adds an authenticator app: its secret to scan or type, then a code that shows that the app has it. */
export function AddApp({ onClose, onAdded }: { onClose: () => void; onAdded: (codes?: string[]) => void }) {
  const { t, problem: problemText } = useI18n();
  const toast = useToast();
  const [offer, setOffer] = useState<TotpOffer | null>(null);
  const [code, setCode] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const asked = useRef(false);

  useEffect(() => {
    // Each asking makes another secret: once is enough, also where effects run twice.
    if (asked.current) return;
    asked.current = true;
    offerTotp().then(setOffer, (error: unknown) => {
      if (error instanceof Problem && error.code === "step_up_needed") onClose();
      else setProblem(asProblem(error));
    });
  }, [onClose]);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setProblem(null);
    try {
      const added = await confirmTotp(code);
      toast(t.accountSecurity.added);
      onAdded(added.recovery_codes);
    } catch (error) {
      setProblem(asProblem(error));
      setBusy(false);
    }
  };

  return (
    <Dialog title={t.accountSecurity.addApp} onClose={onClose}>
      {!offer && (problem ? <Failed problem={problem} /> : <Skeleton lines={6} />)}
      {offer && (
        <form className="form tight" onSubmit={(event) => void submit(event)} noValidate>
          <p className="soft small">{t.accountSecurity.scan}</p>
          <svg
            className="qr"
            viewBox={`0 0 ${offer.qr_size} ${offer.qr_size}`}
            role="img"
            aria-label={t.accountSecurity.scanImage}
            shapeRendering="crispEdges"
          >
            <rect width={offer.qr_size} height={offer.qr_size} />
            <path d={offer.qr} />
          </svg>
          <div className="field">
            <span className="label">{t.accountSecurity.secret}</span>
            <Copyable value={offer.secret} label={t.accountSecurity.secret} />
          </div>
          <p className="small">
            <a href={offer.uri}>{t.accountSecurity.onThisDevice}</a>
          </p>
          <TextField
            label={t.accountSecurity.confirmCode}
            look="code"
            inputMode="numeric"
            autoComplete="one-time-code"
            value={code}
            onChange={(typed) => setCode(typed.replace(/\D/g, "").slice(0, 6))}
          />
          {problem && <Notice tone="problem">{problemText(problem)}</Notice>}
          <div className="actions">
            <Button onClick={onClose}>{t.common.back}</Button>
            <Button type="submit" kind="primary" busy={busy} disabled={code.length !== 6}>
              {t.accountSecurity.add}
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
