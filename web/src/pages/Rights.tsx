import { useState } from "react";
import { Problem } from "../api/http.ts";
import {
  askRequest,
  getCorrections,
  getErasure,
  getRequests,
  getRestriction,
  liftRestriction,
  requestReceiptPath,
  restrictUse,
} from "../api/service.ts";
import type { RightsRequest } from "../api/types.ts";
import { useResource } from "../api/useResource.ts";
import { useI18n } from "../i18n/index.tsx";
import { named } from "../i18n/problem.ts";
import { Button, ButtonLink } from "../ui/Button.tsx";
import { Badge, Empty, Loaded, Notice } from "../ui/States.tsx";
import { useToast } from "../ui/Toast.tsx";
import { HeldByLaw } from "./HeldByLaw.tsx";

/** What a person may ask for, and what became of it. `round` changes when something was asked elsewhere. */
export function Rights({ round }: { round: number }) {
  const { t, dateTime, problem: problemText } = useI18n();
  const toast = useToast();
  const [busy, setBusy] = useState(false);
  const restriction = useResource("restriction", (signal) => getRestriction(signal));
  const erasure = useResource("erasure", (signal) => getErasure(signal));
  const requests = useResource(`requests ${round}`, (signal) => getRequests(signal));
  const run = async (wish: () => Promise<unknown>, done?: string) => {
    setBusy(true);
    try {
      await wish();
      if (done) toast(done);
    } catch (error) {
      toast(error instanceof Problem ? problemText(error) : t.errors.unexpected);
    }
    restriction.reload();
    requests.reload();
    setBusy(false);
  };
  const objected = requests.data?.requests.some((one) => one.right === "objection" && one.matter === "fraud_prevention" && (one.state === "open" || one.state === "overdue"));
  const restricted = restriction.data?.restricted === true;
  return (
    <>
      <section className="section" aria-labelledby="rights">
        <h2 id="rights">{t.rights.title}</h2>
        <p className="lead small">{t.rights.lead}</p>
        <ul className="downloads">
          <li className="panel download">
            <div>
              <h3>{t.rights.restriction}</h3>
              <p className="soft small">{t.rights.restrictionText}</p>
            </div>
            {restricted && <Notice tone="caution">{t.rights.restricted(dateTime(restriction.data?.since ?? ""))}</Notice>}
            <Button
              small
              busy={busy}
              disabled={!restriction.data}
              onClick={() => void run(restricted ? liftRestriction : restrictUse)}
            >
              {restricted ? t.rights.lift : t.rights.restrict}
            </Button>
          </li>
          <li className="panel download">
            <div>
              <h3>{t.rights.objection}</h3>
              <p className="soft small">{t.rights.objectionText}</p>
            </div>
            {objected ? (
              <Badge tone="accent">{t.rights.objected}</Badge>
            ) : (
              <Button
                small
                busy={busy}
                disabled={!requests.data}
                onClick={() => void run(() => askRequest("objection", "fraud_prevention"), t.rights.objected)}
              >
                {t.rights.object}
              </Button>
            )}
          </li>
          <li className="panel download">
            <div>
              <h3>{t.erase.title}</h3>
              <p className="soft small">{t.erase.linkText}</p>
            </div>
            <ButtonLink small kind="danger" to="/my-data/erase">
              {t.erase.link}
            </ButtonLink>
          </li>
        </ul>
        {erasure.data && <HeldByLaw held={erasure.data.held} />}
      </section>
      <section className="section" aria-labelledby="requests">
        <h2 id="requests">{t.rights.requests}</h2>
        <Loaded of={requests} lines={3}>
          {(data) =>
            data.requests.length === 0 ? <Empty title={t.rights.requestsEmpty} /> : <Requests requests={data.requests} />
          }
        </Loaded>
      </section>
      <Changes round={round} />
    </>
  );
}

function Requests({ requests }: { requests: RightsRequest[] }) {
  const { t, dateTime } = useI18n();
  return (
    <div className="table-frame" tabIndex={0} role="group" aria-label={t.rights.requests}>
      <table className="table stacks">
        <thead>
          <tr>
            <th scope="col">{t.myData.what}</th>
            <th scope="col">{t.rights.asked}</th>
            <th scope="col">{t.rights.due}</th>
            <th scope="col">{t.rights.state}</th>
            <th scope="col">{t.rights.receipt}</th>
          </tr>
        </thead>
        <tbody>
          {requests.map((one) => {
            const matter = named(t.rights.matters, one.matter);
            const what = named(t.rights.names, one.right);
            return (
              <tr key={one.request}>
                <td data-label={t.myData.what}>
                  <span>
                    {what}
                    {matter && <span className="faint">: {matter}</span>}
                  </span>
                </td>
                <td className="nowrap soft" data-label={t.rights.asked}>
                  {dateTime(one.made_at)}
                </td>
                <td className="nowrap soft" data-label={t.rights.due}>
                  {one.state === "done" || one.state === "refused" ? "–" : dateTime(one.due_at)}
                  {one.extended && <span className="faint why-purpose">{t.rights.extended[one.extended]}</span>}
                </td>
                <td data-label={t.rights.state}>
                  <Badge tone={one.state === "done" ? "good" : one.state === "open" ? "plain" : "caution"}>
                    {named(t.rights.states, one.state)}
                  </Badge>
                </td>
                <td data-label={t.rights.receipt}>
                  <a href={requestReceiptPath(one.request)} download="ensoex-request.json" aria-label={`${t.rights.receipt}: ${what} ${matter}`}>
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

function Changes({ round }: { round: number }) {
  const { t, dateTime } = useI18n();
  const changes = useResource(`corrections ${round}`, (signal) => getCorrections(signal));
  return (
    <section className="section" aria-labelledby="changes">
      <h2 id="changes">{t.rights.changes}</h2>
      <Loaded of={changes} lines={2}>
        {(data) => {
          const contacts = data.changes.filter((one) => one.reason === "correction");
          if (contacts.length === 0) return <Empty title={t.rights.changesEmpty} />;
          return (
            <ul className="changes">
              {contacts.map((one) => (
                <li key={one.entry}>
                  {named(t.myData.fields, one.field)}: {named(t.myData.actors, one.actor.split(":")[0] ?? "")},{" "}
                  <time dateTime={one.at}>{dateTime(one.at)}</time>
                </li>
              ))}
            </ul>
          );
        }}
      </Loaded>
    </section>
  );
}
