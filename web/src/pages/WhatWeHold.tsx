import { Link } from "react-router";
import { useCatalogue } from "../api/shared.ts";
import type { CatalogueField } from "../api/types.ts";
import { useI18n } from "../i18n/index.tsx";
import { named, sentence } from "../i18n/problem.ts";
import { Facts } from "../ui/Facts.tsx";
import { Page } from "../ui/Page.tsx";
import { Badge, Empty, Loaded, Notice } from "../ui/States.tsx";
import "./text.css";

export default function WhatWeHold() {
  const { t, language } = useI18n();
  const catalogue = useCatalogue(language);
  return (
    <Page kind="text" title={t.hold.title} lead={t.hold.lead}>
      <section className="panel">
        <h2>{t.hold.visitors}</h2>
        <p>{t.hold.visitorsText}</p>
      </section>
      <Loaded of={catalogue} lines={10}>
        {(data) =>
          data.fields.length === 0 ? (
            <Empty title={t.hold.empty} />
          ) : (
            <ul className="holdings">
              {data.fields.map((field) => (
                <Holding key={field.field} field={field} />
              ))}
            </ul>
          )
        }
      </Loaded>
      <Notice>{t.hold.noCards}</Notice>
      <p className="small">
        <Link to="/how-we-keep-it">{t.keep.title}</Link>
      </p>
    </Page>
  );
}

function Holding({ field }: { field: CatalogueField }) {
  const { t } = useI18n();
  return (
    <li className="panel holding">
      <div className="holding-head">
        <h2>{field.title}</h2>
        <Badge>{named(t.hold.categories, field.category)}</Badge>
      </div>
      <p>{sentence(field.why)}</p>
      <Facts
        rows={[
          { term: t.hold.askedAt, value: sentence(field.asked_at) },
          { term: t.hold.retention, value: sentence(field.retention) },
          {
            term: t.hold.purposes,
            value: field.purposes.map((purpose) => (
              <span key={purpose} className="line">
                {sentence(named(t.myData.purposes, purpose))}
              </span>
            )),
          },
          { term: t.hold.recipients, value: sentence(field.recipients.join("; ")) || t.hold.nobody },
          field.legal_hold ? { term: t.hold.legalHold, value: sentence(field.legal_hold) } : null,
        ]}
      />
    </li>
  );
}
