import { getAccessHead } from "../api/service.ts";
import { useResource } from "../api/useResource.ts";
import { useI18n } from "../i18n/index.tsx";
import type { SignedHead } from "../api/types.ts";
import { formatInteger } from "../lib/format.ts";
import { Facts } from "../ui/Facts.tsx";
import { Page } from "../ui/Page.tsx";
import { Loaded } from "../ui/States.tsx";
import "./text.css";

export default function HowWeKeepIt() {
  const { t } = useI18n();
  const head = useResource("access head", (signal) => getAccessHead(signal));
  return (
    <Page kind="text" title={t.keep.title} lead={t.keep.lead}>
      <div className="prose">
        <h2>{t.keep.doTitle}</h2>
        <ul className="plain-list">
          {Object.entries(t.keep.items).map(([key, text]) => (
            <li key={key}>{text}</li>
          ))}
        </ul>
        <h2>{t.keep.limitsTitle}</h2>
        <ul className="plain-list">
          {Object.entries(t.keep.limits).map(([key, text]) => (
            <li key={key}>{text}</li>
          ))}
        </ul>
      </div>
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
