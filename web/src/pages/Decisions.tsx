import { Link } from "react-router";
import { getDecisions } from "../api/service.ts";
import type { Decision } from "../api/types.ts";
import { useResource } from "../api/useResource.ts";
import { useI18n } from "../i18n/index.tsx";
import { named } from "../i18n/problem.ts";
import { DecisionNote } from "../money/DecisionNote.tsx";
import { Badge, Empty, Loaded } from "../ui/States.tsx";

/** What was decided about the person by the program alone, and what a human said. `onAsked`: a human was asked for. */
export function Decisions({ onAsked }: { onAsked: () => void }) {
  const { t } = useI18n();
  const decisions = useResource("decisions", (signal) => getDecisions(signal));
  return (
    <section className="section" aria-labelledby="decisions">
      <h2 id="decisions">{t.decisions.title}</h2>
      <p className="lead small">{t.decisions.lead}</p>
      <Loaded of={decisions} lines={3}>
        {(data) =>
          data.decisions.length === 0 ? <Empty title={t.decisions.empty} /> : <List decisions={data.decisions} onAsked={onAsked} />
        }
      </Loaded>
    </section>
  );
}

const tone = (decision: Decision) =>
  decision.outcome === "approve" ? (decision.only_to_paying_card ? "accent" : "good") : "caution";

function List({ decisions, onAsked }: { decisions: Decision[]; onAsked: () => void }) {
  const { t, dateTime } = useI18n();
  const page = (decision: Decision) => (decision.place === "deposit" ? "/deposit/" : "/withdraw/") + decision.about;
  return (
    <div className="table-frame" tabIndex={0} role="group" aria-label={t.decisions.title}>
      <table className="table stacks">
        <thead>
          <tr>
            <th scope="col">{t.myData.when}</th>
            <th scope="col">{t.myData.what}</th>
            <th scope="col">{t.decisions.outcome}</th>
            <th scope="col">{t.myData.why}</th>
          </tr>
        </thead>
        <tbody>
          {decisions.map((one) => {
            const what = named(t.decisions.places, one.place);
            return (
              <tr key={one.decision}>
                <td className="nowrap soft" data-label={t.myData.when}>
                  <time dateTime={one.at}>{dateTime(one.at)}</time>
                </td>
                <td data-label={t.myData.what}>{one.about ? <Link to={page(one)}>{what}</Link> : what}</td>
                <td data-label={t.decisions.outcome}>
                  <Badge tone={tone(one)}>
                    {one.only_to_paying_card && one.outcome === "approve"
                      ? t.decisions.payingCard
                      : named(t.decisions.outcomes, one.outcome)}
                  </Badge>
                </td>
                <td data-label={t.myData.why}>
                  <div>
                    {one.reasons.length === 0 ? (
                      <span className="faint">–</span>
                    ) : (
                      <DecisionNote decision={one} ended={one.outcome === "approve" && !one.only_to_paying_card} onAsked={onAsked} />
                    )}
                  </div>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
