import { type ReactNode, useState } from "react";
import { accessReportPath, exportPath, getAccessLog, getMe, readableExportPath, receiptPath } from "../api/service.ts";
import type { AccessEntry, Contact, Me } from "../api/types.ts";
import { useResource } from "../api/useResource.ts";
import { useI18n } from "../i18n/index.tsx";
import { named } from "../i18n/problem.ts";
import { shortHash } from "../lib/format.ts";
import { Button } from "../ui/Button.tsx";
import { Facts } from "../ui/Facts.tsx";
import { Page } from "../ui/Page.tsx";
import { Badge, Empty, Loaded } from "../ui/States.tsx";
import { CorrectContact } from "./CorrectContact.tsx";
import { Decisions } from "./Decisions.tsx";
import { GivenToOthers } from "./GivenToOthers.tsx";
import { Optional } from "./Optional.tsx";
import { Rights } from "./Rights.tsx";
import "./my-data.css";

export default function MyData() {
  const { t, language } = useI18n();
  const [asked, setAsked] = useState(false);
  const [round, setRound] = useState(0);
  const me = useResource(asked ? `me ${round}` : null, (signal) => getMe(signal));
  const log = useResource(`access log ${me.data ? "again" : ""}`, (signal) => getAccessLog(signal));
  return (
    <Page title={t.myData.title} lead={t.myData.lead}>
      <section className="section" aria-labelledby="profile">
        <h2 id="profile">{t.myData.profile}</h2>
        {asked ? (
          <Loaded of={me} lines={6}>
            {(data) => <Profile me={data} onChange={() => setRound(round + 1)} />}
          </Loaded>
        ) : (
          <div className="panel">
            <p className="soft small">{t.myData.loadNote}</p>
            <div className="actions">
              <Button onClick={() => setAsked(true)}>{t.myData.showProfile}</Button>
            </div>
          </div>
        )}
      </section>
      <section className="section" aria-labelledby="take">
        <h2 id="take">{t.myData.take}</h2>
        <ul className="downloads">
          <Download title={t.myData.receipt} text={t.myData.receiptText} path={receiptPath} file="ensoex-receipt.json" />
          <Download title={t.myData.export} text={t.rights.exportText} path={exportPath} file="ensoex-export.json">
            <a className="button small" href={readableExportPath(language)} download="ensoex-export.html">
              {t.rights.readable}
            </a>
          </Download>
          <Download title={t.myData.report} text={t.myData.reportText} path={accessReportPath} file="ensoex-access-report.json" />
        </ul>
      </section>
      <Optional />
      <Decisions onAsked={() => setRound(round + 1)} />
      <Rights round={round} />
      <GivenToOthers />
      <section className="section" aria-labelledby="log">
        <h2 id="log">{t.myData.log}</h2>
        <p className="lead small">{t.myData.logText}</p>
        <Loaded of={log} lines={5}>
          {(data) => (data.entries.length === 0 ? <Empty title={t.myData.logEmpty} /> : <Log entries={data.entries} />)}
        </Loaded>
      </section>
    </Page>
  );
}

function Profile({ me, onChange }: { me: Me; onChange: () => void }) {
  const { t, dateTime } = useI18n();
  const [correcting, setCorrecting] = useState<Contact | null>(null);
  const contact = (value: string, which: Contact) => (
    <span className="contact">
      {value}
      <Button small kind="quiet" onClick={() => setCorrecting(which)} aria-label={t.rights.changeTitle[which]}>
        {t.rights.change}
      </Button>
    </span>
  );
  return (
    <>
      <div className="panel">
        <Facts
          roomy
          rows={[
            { term: t.myData.account, value: me.account },
            { term: t.myData.email, value: contact(me.email, "email") },
            { term: t.myData.phone, value: contact(me.phone, "mobile_phone") },
            { term: t.myData.tier, value: me.tier },
            { term: t.myData.since, value: dateTime(me.registered_at) },
            {
              term: t.myData.accepted,
              value: (
                <span className="mono" title={me.policy.accepted_hash}>
                  {shortHash(me.policy.accepted_hash)}
                </span>
              ),
            },
            { term: t.myData.acceptedAt, value: dateTime(me.policy.accepted_at) },
          ]}
        />
      </div>
      {correcting && (
        <CorrectContact
          contact={correcting}
          onClose={() => setCorrecting(null)}
          onDone={() => {
            setCorrecting(null);
            onChange();
          }}
        />
      )}
    </>
  );
}

interface DownloadProps {
  title: string;
  text: string;
  path: string;
  file: string;
  /** Before the download. */
  children?: ReactNode;
}

function Download({ title, text, path, file, children }: DownloadProps) {
  const { t } = useI18n();
  return (
    <li className="panel download">
      <div>
        <h3>{title}</h3>
        <p className="soft small">{text}</p>
      </div>
      <div className="actions">
        {children}
        <a className="button small" href={path} download={file} aria-label={`${t.myData.download}: ${title}`}>
          {children ? "JSON" : t.myData.download}
        </a>
      </div>
    </li>
  );
}

/** Entries shown at first; the whole log is in the download. */
const rowsFirst = 20;

function Log({ entries }: { entries: AccessEntry[] }) {
  const { t, dateTime } = useI18n();
  const [all, setAll] = useState(false);
  const shown = all ? entries : entries.slice(0, rowsFirst);
  return (
    <>
      <div className="table-frame" tabIndex={0} role="group" aria-label={t.myData.log}>
        <table className="table stacks">
          <thead>
            <tr>
              <th scope="col">{t.myData.when}</th>
              <th scope="col">{t.myData.who}</th>
              <th scope="col">{t.myData.what}</th>
              <th scope="col">{t.myData.why}</th>
              <th scope="col" className="number">
                {t.myData.entry}
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((entry) => (
              <LogRow key={entry.index} entry={entry} when={dateTime(entry.at)} />
            ))}
          </tbody>
        </table>
      </div>
      {entries.length > shown.length && (
        <div className="actions">
          <Button onClick={() => setAll(true)}>{t.common.more}</Button>
        </div>
      )}
    </>
  );
}

function LogRow({ entry, when }: { entry: AccessEntry; when: string }) {
  const { t } = useI18n();
  const [kind = "", name = ""] = entry.actor.split(":", 2);
  const who = kind === "component" && name in t.myData.components ? named(t.myData.components, name) : named(t.myData.actors, kind);
  const operation = named(t.myData.operations, entry.operation ?? "read");
  return (
    <tr>
      <td className="nowrap soft" data-label={t.myData.when}>
        <time dateTime={entry.at}>{when}</time>
      </td>
      <td data-label={t.myData.who}>
        {who}
        {kind === "staff" && name && <span className="faint"> {name}</span>}
      </td>
      <td data-label={t.myData.what}>
        <span>
          {entry.field ? `${named(t.myData.fields, entry.field)}: ${operation}` : operation}{" "}
          {!entry.granted && <Badge tone="caution">{t.myData.refused}</Badge>}
        </span>
      </td>
      <td data-label={t.myData.why}>
        <span>
          {named(t.myData.reasons, entry.reason)}
          {entry.purpose && <span className="faint why-purpose">{named(t.myData.purposes, entry.purpose)}</span>}
        </span>
      </td>
      <td className="number faint" data-label={t.myData.entry}>
        {entry.index}
      </td>
    </tr>
  );
}
