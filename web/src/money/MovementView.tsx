import type { ReactNode } from "react";
import type { Deposit, DepositStatus, Withdrawal, WithdrawalStatus } from "../api/types.ts";
import { useI18n } from "../i18n/index.tsx";
import { named } from "../i18n/problem.ts";
import { Copyable } from "../ui/Copy.tsx";
import { Badge, Notice, type Tone } from "../ui/States.tsx";
import { type Step, Timeline } from "../ui/Timeline.tsx";
import { movementTone } from "./CardMovements.tsx";
import { DecisionNote } from "./DecisionNote.tsx";
import "./money.css";

const good = new Set(["credited", "paid"]);
const bad = new Set(["failed", "refused"]);
const final = new Set(["credited", "failed", "refused", "canceled", "expired", "paid", "returned"]);

export const isFinal = (status: DepositStatus | WithdrawalStatus) => final.has(status);

interface MovementViewProps {
  movement: Deposit | Withdrawal;
  label: string;
  text: string;
  /** The steps that lie ahead of a movement that goes well, in order. */
  path: string[];
  actions: ReactNode;
}

/** One deposit or withdrawal: how it stands, its timeline, the reference to quote. */
export function MovementView({ movement, label, text, path, actions }: MovementViewProps) {
  const { t } = useI18n();
  const { status, decline } = movement;
  const tone: Tone = good.has(status) ? "good" : bad.has(status) ? "problem" : isFinal(status) ? "plain" : "accent";
  const reason = decline && (decline.code in t.declines ? named(t.declines, decline.code) : decline.message);
  const ended = isFinal(status);

  const past: Step[] = movement.timeline.map((entry, index, all) => ({
    label: named(t.timeline, entry.state),
    at: entry.at,
    note: bad.has(entry.state) && reason ? reason : undefined,
    tone: good.has(entry.state) ? "good" : bad.has(entry.state) ? "bad" : !ended && index === all.length - 1 ? "now" : "done",
  }));
  const reached = path.indexOf(status);
  const ahead: Step[] = ended ? [] : path.slice(reached + 1).map((state) => ({ label: named(t.timeline, state), tone: "next" }));

  return (
    <>
      <div className="verdict">
        <Notice tone={tone}>
          <p>
            <Badge tone={movementTone(status)}>{label}</Badge>
          </p>
          <p role="status" aria-live="polite">
            {text}
          </p>
          {reason && <p className="strong">{reason}</p>}
          {movement.decision && <DecisionNote decision={movement.decision} ended={ended && status !== "refused"} />}
        </Notice>
        <div className="actions">{actions}</div>
      </div>
      <section className="section" aria-labelledby="timeline">
        <div className="section-head">
          <h2 id="timeline">{t.deposit.timeline}</h2>
          {!ended && <span className="hint">{t.deposit.watching}</span>}
        </div>
        <div className="panel">
          <Timeline label={t.deposit.timeline} steps={[...past, ...ahead]} />
        </div>
      </section>
      {movement.reference && (
        <div className="field">
          <span className="label">{t.deposit.reference}</span>
          <Copyable value={movement.reference} label={t.deposit.reference} />
          <p className="hint">{t.deposit.referenceHint}</p>
        </div>
      )}
    </>
  );
}
