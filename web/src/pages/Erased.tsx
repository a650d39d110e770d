import { useEffect } from "react";
import { useParams } from "react-router";
import { erasurePath } from "../api/service.ts";
import { useSession } from "../app/session.tsx";
import { useI18n } from "../i18n/index.tsx";
import { ButtonLink } from "../ui/Button.tsx";
import { Page } from "../ui/Page.tsx";
import "./my-data.css";

/** After an erasure: the certificate. It needs no session, and there is none any more. */
export default function Erased() {
  const { t } = useI18n();
  const { subject = "" } = useParams();
  const { ask } = useSession();
  useEffect(ask, [ask]);
  return (
    <Page title={t.erase.doneTitle} lead={t.erase.doneText} kind="narrow">
      <div className="panel download">
        <p className="soft small">{t.erase.certificateText}</p>
        <div className="actions">
          <a className="button primary" href={erasurePath(subject)} download="ensoex-erasure.json">
            {t.erase.certificate}
          </a>
          <ButtonLink to="/">{t.erase.home}</ButtonLink>
        </div>
      </div>
    </Page>
  );
}
