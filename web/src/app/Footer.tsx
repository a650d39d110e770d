import { Link } from "react-router";
import { useHealth, usePolicy } from "../api/shared.ts";
import { useI18n } from "../i18n/index.tsx";
import { documents } from "../lib/documents.ts";
import { shortHash } from "../lib/format.ts";
import { useSession } from "./session.tsx";

/** On every page: the version of the Terms and Policy in force, and where to read on. */
export function Footer() {
  const { t, language } = useI18n();
  const { session } = useSession();
  const policy = usePolicy().data;
  const demo = useHealth().data?.demo === true;
  return (
    <footer className="footer">
      <div className="footer-row">
        <nav aria-label={t.shell.footer}>
          <a href={documents(language)}>{t.shell.documents}</a>
          <Link to="/what-we-hold">{t.shell.whatWeHold}</Link>
          <Link to="/how-we-keep-it">{t.shell.howWeKeepIt}</Link>
          <Link to="/security">{t.security.title}</Link>
          <Link to="/status">{t.shell.status}</Link>
          {demo && (
            <a href="/dev/messages" target="_blank" rel="noreferrer">
              {t.shell.demoMessages}
            </a>
          )}
        </nav>
        <div className="footer-policy">
          {policy && (
            <a href={documents(language)} title={t.shell.policyTitle(policy.hash)}>
              {t.shell.policyInForce(policy.version)} <span className="mono">{shortHash(policy.hash)}</span>
            </a>
          )}
          {session.state === "out" && <span>{t.shell.noTrace}</span>}
        </div>
      </div>
    </footer>
  );
}
