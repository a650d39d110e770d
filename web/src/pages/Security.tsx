import { Link } from "react-router";
import { useI18n } from "../i18n/index.tsx";
import { Page } from "../ui/Page.tsx";
import "./text.css";

/** What is protected and what is not, plainly; what follows when something happens all the same. */
export default function Security() {
  const { t } = useI18n();
  return (
    <Page kind="text" title={t.security.title} lead={t.security.lead}>
      <div className="prose">
        <Points title={t.security.protectedTitle} points={t.security.protected} />
        <Points title={t.security.limitsTitle} points={t.security.limits} />
        <h2>{t.security.breachTitle}</h2>
        <p>{t.security.breachText}</p>
        <h2>{t.security.reportTitle}</h2>
        <p>{t.security.reportText}</p>
      </div>
      <p className="small">
        <Link to="/how-we-keep-it">{t.keep.title}</Link>
      </p>
    </Page>
  );
}

function Points({ title, points }: { title: string; points: string[][] }) {
  return (
    <>
      <h2>{title}</h2>
      <dl className="points">
        {points.map(([what, text]) => (
          <div key={what}>
            <dt>{what}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}
