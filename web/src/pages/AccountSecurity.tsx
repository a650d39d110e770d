import { useState } from "react";
import { Problem } from "../api/http.ts";
import { getFactors, removeTotp, renewRecoveryCodes } from "../api/service.ts";
import type { Factors } from "../api/types.ts";
import { useResource } from "../api/useResource.ts";
import { useI18n } from "../i18n/index.tsx";
import { Button } from "../ui/Button.tsx";
import { Dialog } from "../ui/Dialog.tsx";
import { Page } from "../ui/Page.tsx";
import { Loaded, Notice } from "../ui/States.tsx";
import { useToast } from "../ui/Toast.tsx";
import { AddApp } from "./AddApp.tsx";
import { Passkeys } from "./Passkeys.tsx";
import { ChangePassword } from "./ChangePassword.tsx";
import { RecoveryCodes } from "./RecoveryCodes.tsx";
import { SessionList } from "./SessionList.tsx";
import "./account-security.css";

/** What the person signs in with, and where they are signed in. */
export default function AccountSecurity() {
  const { t } = useI18n();
  const factors = useResource("factors", (signal) => getFactors(signal));
  const [codes, setCodes] = useState<string[] | null>(null);
  return (
    <Page kind="text" title={t.accountSecurity.title} lead={t.accountSecurity.lead}>
      {codes && <RecoveryCodes codes={codes} onKept={() => setCodes(null)} />}
      <section className="section" aria-labelledby="factor">
        <h2 id="factor">{t.accountSecurity.factorTitle}</h2>
        <Loaded of={factors} lines={4}>
          {(data) => (
            <SecondFactor
              factors={data}
              onChange={(made) => {
                if (made) {
                  setCodes(made);
                  window.scrollTo(0, 0);
                }
                factors.reload();
              }}
            />
          )}
        </Loaded>
      </section>
      <section className="section" aria-labelledby="password">
        <h2 id="password">{t.accountSecurity.passwordTitle}</h2>
        <ChangePassword />
      </section>
      <SessionList />
    </Page>
  );
}

/** Told with new recovery codes, if there are any. */
type OnChange = (codes?: string[]) => void;

function SecondFactor({ factors, onChange }: { factors: Factors; onChange: OnChange }) {
  const { t, date } = useI18n();
  const [open, setOpen] = useState<"add" | "remove" | null>(null);
  const close = () => setOpen(null);
  return (
    <>
      {!factors.totp && factors.passkeys.length === 0 && (
        <Notice tone="caution">
          <p className="strong">{t.accountSecurity.factorNone}</p>
          <p>{t.accountSecurity.factorNoneText}</p>
        </Notice>
      )}
      <Passkeys passkeys={factors.passkeys} possible={factors.passkeys_possible} onChange={onChange} />
      <div className="panel">
        <div className="factor">
          <div>
            <h3>{t.accountSecurity.app}</h3>
            <p className="soft small">
              {factors.totp ? t.accountSecurity.appSince(date(factors.totp.since)) : t.accountSecurity.appText}
            </p>
          </div>
          {factors.totp ? (
            <Button small kind="danger" onClick={() => setOpen("remove")}>
              {t.accountSecurity.removeApp}
            </Button>
          ) : (
            <Button onClick={() => setOpen("add")}>
              {t.accountSecurity.addApp}
            </Button>
          )}
        </div>
        {factors.proofs[0] !== "password" && <CodesLeft left={factors.recovery_codes_left} onChange={onChange} />}
      </div>
      {open === "add" && (
        <AddApp
          onClose={close}
          onAdded={(codes) => {
            close();
            onChange(codes);
          }}
        />
      )}
      {open === "remove" && <RemoveApp onClose={close} onRemoved={() => onChange()} />}
    </>
  );
}

function CodesLeft({ left, onChange }: { left: number; onChange: OnChange }) {
  const { t, problem: problemText } = useI18n();
  const toast = useToast();
  const [busy, setBusy] = useState(false);
  const renew = async () => {
    setBusy(true);
    try {
      onChange((await renewRecoveryCodes()).recovery_codes);
    } catch (error) {
      toast(error instanceof Problem ? problemText(error) : t.errors.unexpected);
    }
    setBusy(false);
  };
  return (
    <div className="factor">
      <div>
        <h3>{t.accountSecurity.codesTitle}</h3>
        <p className="soft small">
          {t.accountSecurity.codesLeft(left)} {t.accountSecurity.codesRenewText}
        </p>
      </div>
      <Button small busy={busy} onClick={() => void renew()}>
        {t.accountSecurity.codesRenew}
      </Button>
    </div>
  );
}

function RemoveApp({ onClose, onRemoved }: { onClose: () => void; onRemoved: () => void }) {
  const { t, problem: problemText } = useI18n();
  const toast = useToast();
  const [busy, setBusy] = useState(false);
  const leave = async () => {
    setBusy(true);
    try {
      await removeTotp();
      toast(t.accountSecurity.appRemoved);
    } catch (error) {
      toast(error instanceof Problem ? problemText(error) : t.errors.unexpected);
    }
    onClose();
    onRemoved();
  };
  return (
    <Dialog title={t.accountSecurity.removeAppTitle} onClose={onClose}>
      <p>{t.accountSecurity.removeAppText}</p>
      <div className="actions">
        <Button onClick={onClose}>{t.common.back}</Button>
        <Button kind="sell" busy={busy} onClick={() => void leave()}>
          {t.accountSecurity.removeApp}
        </Button>
      </div>
    </Dialog>
  );
}
