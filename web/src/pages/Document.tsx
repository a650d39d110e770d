import { useEffect } from "react";
import { NavLink, useLocation, useParams } from "react-router";
import { usePolicy } from "../api/shared.ts";
import type { DocumentId, Policy } from "../api/types.ts";
import { useI18n } from "../i18n/index.tsx";
import { shortHash } from "../lib/format.ts";
import { Html } from "../ui/Html.tsx";
import { Page } from "../ui/Page.tsx";
import { Loaded, Notice } from "../ui/States.tsx";
import { documentIds, VersionFacts } from "./Documents.tsx";
import { NotFound } from "./NotFound.tsx";
import "./text.css";

export default function Document() {
  const { t, date } = useI18n();
  const id = useParams().id as DocumentId;
  const policy = usePolicy();
  if (!documentIds.includes(id)) return <NotFound title={t.documents.unknownTitle} text={t.documents.unknownText} />;
  const data = policy.data;
  return (
    <Page
      kind="text"
      title={t.documents.titles[id]}
      lead={
        data && (
          <>
            {t.common.version} {data.version} · {date(data.effective_at)} · <span className="mono">{shortHash(data.hash)}</span>
          </>
        )
      }
    >
      <nav className="document-nav" aria-label={t.documents.contents}>
        {documentIds.map((other) => (
          <NavLink key={other} to={`/documents/${other}`}>
            {t.documents.titles[other]}
          </NavLink>
        ))}
      </nav>
      <Loaded of={policy} lines={14}>
        {(loaded) => (
          <>
            <Text policy={loaded} id={id} />
            <VersionFacts policy={loaded} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Text({ policy, id }: { policy: Policy; id: DocumentId }) {
  const { t, language } = useI18n();
  const { hash } = useLocation();
  const document =
    policy.documents.find((entry) => entry.id === id && entry.language === language) ??
    policy.documents.find((entry) => entry.id === id);
  useEffect(() => {
    if (hash) window.document.getElementById(decodeURIComponent(hash.slice(1)))?.scrollIntoView();
  }, [hash, document]);
  if (!document) return <Notice>{t.documents.unknownText}</Notice>;
  return (
    <>
      {document.language !== language && <Notice tone="caution">{t.documents.otherLanguage}</Notice>}
      <article className="prose document" lang={document.language}>
        <Html html={document.html} omitTitle={document.title} />
      </article>
    </>
  );
}
