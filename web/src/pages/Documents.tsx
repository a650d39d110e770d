import { Link } from "react-router";
import { getPolicyVersions } from "../api/service.ts";
import { usePolicy } from "../api/shared.ts";
import type { DocumentId, Policy } from "../api/types.ts";
import { useResource } from "../api/useResource.ts";
import { useI18n } from "../i18n/index.tsx";
import { shortHash } from "../lib/format.ts";
import { Copyable } from "../ui/Copy.tsx";
import { Facts } from "../ui/Facts.tsx";
import { Page } from "../ui/Page.tsx";
import { Badge, Loaded } from "../ui/States.tsx";
import "./text.css";

export const documentIds: DocumentId[] = ["terms", "privacy", "glossary"];

export default function Documents() {
  const { t } = useI18n();
  const policy = usePolicy();
  return (
    <Page title={t.documents.title} lead={t.documents.lead}>
      <Loaded of={policy} lines={6}>
        {(data) => <InForce policy={data} />}
      </Loaded>
      <Versions inForce={policy.data?.hash} />
    </Page>
  );
}

function InForce({ policy }: { policy: Policy }) {
  const { t } = useI18n();
  return (
    <section className="section">
      <ul className="cards">
        {documentIds.map((id) => (
          <li key={id}>
            <Link to={`/documents/${id}`} className="card">
              <span className="strong">{t.documents.titles[id]}</span>
              <span className="soft small">{t.documents.texts[id]}</span>
            </Link>
          </li>
        ))}
      </ul>
      <VersionFacts policy={policy} />
    </section>
  );
}

/** Version, dates and hash: the same on each page that shows a document. */
export function VersionFacts({ policy }: { policy: Policy }) {
  const { t, dateTime } = useI18n();
  return (
    <div className="panel">
      <Facts
        roomy
        rows={[
          { term: t.common.version, value: policy.version },
          { term: t.documents.effective, value: dateTime(policy.effective_at) },
          { term: t.documents.published, value: dateTime(policy.published_at) },
        ]}
      />
      <div className="field">
        <span className="label">{t.common.hash}</span>
        <Copyable value={policy.hash} label={t.common.hash} />
        <p className="hint">{t.documents.checkHash}</p>
      </div>
    </div>
  );
}

function Versions({ inForce }: { inForce: string | undefined }) {
  const { t, date } = useI18n();
  const versions = useResource("policy versions", (signal) => getPolicyVersions(signal));
  return (
    <section className="section" aria-labelledby="versions">
      <h2 id="versions">{t.documents.versions}</h2>
      <Loaded of={versions} lines={2}>
        {(data) => (
          <div className="table-frame">
            <table className="table stacks">
              <thead>
                <tr>
                  <th scope="col">{t.common.version}</th>
                  <th scope="col">{t.documents.effective}</th>
                  <th scope="col">{t.documents.summary}</th>
                  <th scope="col">{t.common.hash}</th>
                </tr>
              </thead>
              <tbody>
                {[...data.versions]
                  .sort((a, b) => b.version - a.version)
                  .map((version) => (
                    <tr key={version.hash}>
                      <th scope="row" data-label={t.common.version}>
                        <span className="nowrap">
                          {version.version} {version.hash === inForce && <Badge tone="good">{t.documents.inForce}</Badge>}
                        </span>
                      </th>
                      <td data-label={t.documents.effective} className="nowrap">
                        {date(version.effective_at)}
                      </td>
                      <td data-label={t.documents.summary}>{version.summary}</td>
                      <td data-label={t.common.hash}>
                        <span className="mono" title={version.hash}>
                          {shortHash(version.hash)}
                        </span>
                      </td>
                    </tr>
                  ))}
              </tbody>
            </table>
          </div>
        )}
      </Loaded>
    </section>
  );
}
