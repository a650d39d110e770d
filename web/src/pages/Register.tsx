import { useState } from "react";
import { Link, useSearchParams } from "react-router";
import { receiptPath } from "../api/service.ts";
import { useSession } from "../app/session.tsx";
import { useI18n } from "../i18n/index.tsx";
import { ButtonLink } from "../ui/Button.tsx";
import { Page } from "../ui/Page.tsx";
import { Notice } from "../ui/States.tsx";
import { RegisterCodes } from "./RegisterCodes.tsx";
import { RegisterForm } from "./RegisterForm.tsx";
import "./register.css";

/** The step is in the address: `?registration=reg_…` asks for its codes, also after a reload. */
export default function Register() {
  const { t } = useI18n();
  const { session } = useSession();
  const [parameters, setParameters] = useSearchParams();
  const [opened, setOpened] = useState<string | null>(null);
  const [codesExpireAt, setCodesExpireAt] = useState<string | null>(null);
  const registration = parameters.get("registration");

  if (opened !== null)
    return (
      <Page kind="narrow" title={t.register.doneTitle} lead={t.register.doneText(opened)}>
        <div className="actions">
          <ButtonLink to="/deposit" kind="primary">
            {t.shell.deposit}
          </ButtonLink>
          <ButtonLink to="/wallet">{t.shell.wallet}</ButtonLink>
        </div>
        <p className="small">
          <a href={receiptPath} download="ensoex-receipt.json">
            {t.register.receipt}
          </a>
        </p>
      </Page>
    );

  if (session.state === "in")
    return (
      <Page kind="narrow" title={t.register.title}>
        <Notice action={<ButtonLink to="/wallet" small>{t.shell.wallet}</ButtonLink>}>{t.register.signedInAlready}</Notice>
      </Page>
    );

  if (registration)
    return (
      <Page kind="narrow" title={t.register.codesTitle} lead={t.register.codesLead}>
        <p className="step">{t.register.step(2, 2)}</p>
        <RegisterCodes
          registration={registration}
          expiresAt={codesExpireAt}
          onExpiry={setCodesExpireAt}
          onOpened={setOpened}
          onRestart={() => setParameters({})}
        />
      </Page>
    );

  return (
    <Page kind="narrow" title={t.register.title} lead={t.register.lead}>
      <p className="step">{t.register.step(1, 2)}</p>
      <RegisterForm
        onStarted={(started) => {
          setCodesExpireAt(started.codes_expire_at);
          setParameters({ registration: started.registration });
        }}
      />
      <p className="small soft">
        {t.register.haveAccount} <Link to="/sign-in">{t.shell.signIn}</Link>
      </p>
    </Page>
  );
}
