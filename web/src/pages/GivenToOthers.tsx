import { useState } from "react";
import { getDisclosures, getRecipients } from "../api/service.ts";
import type { Disclosure, Recipient } from "../api/types.ts";
import { useResource } from "../api/useResource.ts";
import { useI18n } from "../i18n/index.tsx";
import { named, sentence } from "../i18n/problem.ts";
import { formatInteger } from "../lib/format.ts";
import { Button } from "../ui/Button.tsx";
import { Facts } from "../ui/Facts.tsx";
import { Empty, Loaded } from "../ui/States.tsx";

/** Shown at first; all of it is in the export. */
const rowsFirst = 10;

/** What recipients were given of the person: to whom, what, when and why. */
export function GivenToOthers() {
  const { t } = useI18n();
  const given = useResource("disclosures", (signal) => getDisclosures(signal));
  const recipients = useResource("recipients", (signal) => getRecipients(signal));
  return (
    <section className="section" aria-labelledby="given">
      <h2 id="given">{t.given.title}</h2>
      <p className="lead small">{t.given.lead}</p>
      <Loaded of={given} lines={4}>
        {(data) =>
          data.disclosures.length === 0 ? (
            <Empty title={t.given.empty} />
          ) : (
            <Given disclosures={data.disclosures} recipients={recipients.data?.recipients ?? []} />
          )
        }
      </Loaded>
    </section>
  );
}

function Given({ disclosures, recipients }: { disclosures: Disclosure[]; recipients: Recipient[] }) {
  const { t, dateTime, language } = useI18n();
  const [all, setAll] = useState(false);
  const shown = all ? disclosures : disclosures.slice(0, rowsFirst);
  const name = (id: string) => recipients.find((recipient) => recipient.id === id)?.name[language] ?? id;
  return (
    <>
      <div className="table-frame" tabIndex={0} role="group" aria-label={t.given.title}>
        <table className="table stacks">
          <thead>
            <tr>
              <th scope="col">{t.myData.when}</th>
              <th scope="col">{t.given.recipient}</th>
              <th scope="col">{t.given.items}</th>
              <th scope="col">{t.myData.why}</th>
              <th scope="col" className="number">
                {t.myData.entry}
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((one) => (
              <tr key={one.index}>
                <td className="nowrap soft" data-label={t.myData.when}>
                  <time dateTime={one.at}>{dateTime(one.at)}</time>
                </td>
                <td data-label={t.given.recipient}>{sentence(name(one.recipient))}</td>
                <td data-label={t.given.items}>{one.field ? named(t.myData.fields, one.field) : one.items.map((item) => named(t.given.names, item)).join(", ")}</td>
                <td data-label={t.myData.why}>{named(t.myData.reasons, one.reason)}</td>
                <td className="number faint" data-label={t.myData.entry}>
                  {one.index}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {disclosures.length > shown.length && (
        <div className="actions">
          <Button onClick={() => setAll(true)}>{t.common.more}</Button>
        </div>
      )}
    </>
  );
}

/** The register of recipients with how often each was given something, for everybody. */
export function Recipients() {
  const { t, language } = useI18n();
  const recipients = useResource("recipients", (signal) => getRecipients(signal));
  return (
    <section aria-labelledby="recipients">
      <h2 id="recipients">{t.given.registerTitle}</h2>
      <p className="soft small">{t.given.registerText}</p>
      <Loaded of={recipients} lines={10}>
        {(data) => (
          <ul className="holdings">
            {data.recipients.map((recipient) => (
              <li key={recipient.id} className="panel holding">
                <h3>{sentence(recipient.name[language])}</h3>
                <p>{sentence(recipient.why[language])}</p>
                <Facts
                  rows={[
                    { term: t.given.items, value: sentence(recipient.given[language]) },
                    { term: t.given.ground, value: sentence(recipient.ground[language]) },
                    { term: t.given.operator, value: sentence(recipient.operated_by[language]) },
                    { term: t.given.count, value: formatInteger(recipient.disclosures, language) },
                  ]}
                />
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </section>
  );
}
