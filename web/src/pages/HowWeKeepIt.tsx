import { Link } from "react-router";
import { getAccessHead, getClauses } from "../api/service.ts";
import { useResource } from "../api/useResource.ts";
import { useI18n } from "../i18n/index.tsx";
import type { Clause, SignedHead } from "../api/types.ts";
import { formatInteger } from "../lib/format.ts";
import { Facts } from "../ui/Facts.tsx";
import { Marked } from "../ui/Marked.tsx";
import { Page } from "../ui/Page.tsx";
import { Loaded } from "../ui/States.tsx";
import { Recipients } from "./GivenToOthers.tsx";
import "./text.css";

export default function HowWeKeepIt() {
  const { t, language } = useI18n();
  const clauses = useResource(`clauses ${language}`, (signal) => getClauses(language, signal));
  const head = useResource("access head", (signal) => getAccessHead(signal));
  return (
    <Page kind="text" title={t.keep.title} lead={t.keep.lead}>
      <section aria-labelledby="clauses">
        <h2 id="clauses">{t.keep.clausesTitle}</h2>
        <p className="soft small">{t.keep.clausesText}</p>
        <Loaded of={clauses} lines={14}>
          {(data) => (
            <ol className="clauses">
              {data.clauses.map((clause) => (
                <Kept key={clause.clause} clause={clause} />
              ))}
            </ol>
          )}
        </Loaded>
      </section>
      <Recipients />
      <p className="small">
        <Link to="/security">{t.security.title}</Link>
      </p>
      <section className="panel" aria-labelledby="head">
        <h2 id="head">{t.keep.headTitle}</h2>
        <p className="soft small">{t.keep.headText}</p>
        <Loaded of={head} lines={3}>
          {(data) => <HeadFacts head={data} />}
        </Loaded>
      </section>
    </Page>
  );
}

/** A clause: what is promised, how it is kept, how to check it, and the tests that hold it. */
function Kept({ clause }: { clause: Clause }) {
  const { t } = useI18n();
  return (
    <li>
      <details className="clause">
        <summary>
          <span className="mono faint">{clause.clause}</span> {clause.title}
        </summary>
        <p>
          <Marked text={clause.how} />
        </p>
        <h3>{t.keep.check}</h3>
        <p>
          <Marked text={clause.check} />
        </p>
        <h3>{t.keep.tests(clause.tests.length)}</h3>
        <ul className="clause-tests">
          {clause.tests.map((test) => (
            <li key={test.name}>
              <code>{test.name}</code>
              <span className="soft">
                {t.keep.control}: <Marked text={test.control} />
              </span>
              <span className="faint">
                <code>{test.file}</code>
              </span>
            </li>
          ))}
        </ul>
      </details>
    </li>
  );
}

/** The signed head in full: hashes, key and signature can be copied and checked elsewhere. */
export function HeadFacts({ head }: { head: SignedHead }) {
  const { t, dateTime, language } = useI18n();
  return (
    <Facts
      roomy
      rows={[
        { term: t.keep.size, value: formatInteger(head.size, language) },
        { term: t.common.time, value: dateTime(head.at_ms) },
        { term: t.keep.root, value: <span className="mono">{head.root}</span> },
        { term: t.keep.publicKey, value: <span className="mono">{head.public_key}</span> },
        { term: t.keep.signature, value: <span className="mono">{head.signature}</span> },
      ]}
    />
  );
}
