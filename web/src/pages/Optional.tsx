import { useState } from "react";
import { Problem } from "../api/http.ts";
import { consentReceiptPath, getConsents, setConsent } from "../api/service.ts";
import type { ConsentReceipt } from "../api/types.ts";
import { useResource } from "../api/useResource.ts";
import { useI18n } from "../i18n/index.tsx";
import { named } from "../i18n/problem.ts";
import { shortHash } from "../lib/format.ts";
import { Button } from "../ui/Button.tsx";
import { Badge, Loaded } from "../ui/States.tsx";
import { useToast } from "../ui/Toast.tsx";

/** What is optional: off until the person agrees, and withdrawn with the same click. */
export function Optional() {
  const { t, language, dateTime, problem: problemText } = useI18n();
  const toast = useToast();
  const [busy, setBusy] = useState(false);
  const consents = useResource("consents", (signal) => getConsents(signal));
  const change = async (purpose: string, given: boolean) => {
    setBusy(true);
    try {
      await setConsent(purpose, { given, language });
    } catch (error) {
      toast(error instanceof Problem ? problemText(error) : t.errors.unexpected);
    }
    consents.reload();
    setBusy(false);
  };
  return (
    <section className="section" aria-labelledby="optional">
      <h2 id="optional">{t.optional.title}</h2>
      <p className="lead small">{t.optional.lead}</p>
      <Loaded of={consents} lines={3}>
        {(data) => (
          <>
            <ul className="downloads">
              {data.consents.map((one) => {
                const name = named(t.optional.names, one.purpose);
                return (
                  <li key={one.purpose} className="panel download">
                    <div>
                      <h3>{name}</h3>
                      <p className="soft small">{named(t.optional.texts, one.purpose)}</p>
                      <p className="small">
                        <Badge tone={one.given ? "good" : "plain"}>{one.given ? t.optional.on(dateTime(one.since ?? "")) : t.optional.off}</Badge>
                      </p>
                    </div>
                    <Button small busy={busy} onClick={() => void change(one.purpose, !one.given)} aria-label={`${one.given ? t.optional.withdraw : t.optional.agree}: ${name}`}>
                      {one.given ? t.optional.withdraw : t.optional.agree}
                    </Button>
                  </li>
                );
              })}
            </ul>
            {data.receipts.length > 0 && <History receipts={data.receipts.toReversed()} />}
          </>
        )}
      </Loaded>
    </section>
  );
}

function History({ receipts }: { receipts: ConsentReceipt[] }) {
  const { t, dateTime } = useI18n();
  return (
    <div className="table-frame" tabIndex={0} role="group" aria-label={t.optional.history}>
      <table className="table stacks">
        <thead>
          <tr>
            <th scope="col">{t.myData.when}</th>
            <th scope="col">{t.myData.what}</th>
            <th scope="col">{t.optional.version}</th>
            <th scope="col">{t.rights.receipt}</th>
          </tr>
        </thead>
        <tbody>
          {receipts.map((one) => {
            const what = `${named(t.optional.names, one.purpose)}: ${t.optional.states[one.state]}`;
            return (
              <tr key={one.number}>
                <td className="nowrap soft" data-label={t.myData.when}>
                  <time dateTime={one.at}>{dateTime(one.at)}</time>
                </td>
                <td data-label={t.myData.what}>{what}</td>
                <td data-label={t.optional.version}>
                  <span className="mono" title={one.hash}>
                    {shortHash(one.hash)}
                  </span>
                </td>
                <td data-label={t.rights.receipt}>
                  <a href={consentReceiptPath(one.number)} download="ensoex-consent.json" aria-label={`${t.rights.receipt}: ${what}`}>
                    {t.myData.download}
                  </a>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
