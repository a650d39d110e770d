import { useEffect } from "react";
import { NavLink, useLocation, useParams } from "react-router";
import { usePolicy } from "../api/shared.ts";
import type { DocumentId, Policy, PolicyDocument } from "../api/types.ts";
import { useI18n } from "../i18n/index.tsx";
import { shortHash } from "../lib/format.ts";
import { Html } from "../ui/Html.tsx";
import { Page } from "../ui/Page.tsx";
import { Loaded, Notice } from "../ui/States.tsx";
import { documentIds, VersionFacts } from "./Documents.tsx";
import { NotFound } from "./NotFound.tsx";
import "./text.css";

export default function Document() {
  const { t, date, language } = useI18n();
  const id = useParams().id as DocumentId;
  const policy = usePolicy();
  if (!documentIds.includes(id)) return <NotFound title={t.documents.unknownTitle} text={t.documents.unknownText} />;
  const data = policy.data;
  const titleOf = (of: DocumentId) => (data && documentOf(data, of, language)?.title) ?? t.documents.titles[of];
  return (
    <Page
      kind="text"
      title={titleOf(id)}
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
            {titleOf(other)}
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

/** In the language of the page if there is such a text, else in any. */
function documentOf(policy: Policy, id: DocumentId, language: string): PolicyDocument | undefined {
  const texts = policy.documents.filter((entry) => entry.id === id);
  return texts.find((entry) => entry.language === language) ?? texts[0];
}

function Text({ policy, id }: { policy: Policy; id: DocumentId }) {
  const { t, language } = useI18n();
  const { hash } = useLocation();
  const document = documentOf(policy, id, language);
  useEffect(() => {
    if (hash) window.document.getElementById(decodeURIComponent(hash.slice(1)))?.scrollIntoView();
  }, [hash, document]);
  if (!document) return <Notice>{t.documents.unknownText}</Notice>;
  return (
    <>
      {document.language !== language && <Notice tone="caution">{t.documents.otherLanguage}</Notice>}
      <article className="prose document" lang={document.language}>
        <Html html={document.html} title={document.title} />
      </article>
    </>
  );
}
