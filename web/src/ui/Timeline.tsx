import { useI18n } from "../i18n/index.tsx";

export interface Step {
  label: string;
  at?: string;
  note?: string;
  tone: "done" | "now" | "next" | "good" | "bad";
}

/** What happened and what comes, in order, to the second. */
export function Timeline({ label, steps }: { label: string; steps: Step[] }) {
  const { dateTime } = useI18n();
  return (
    <ol className="timeline" aria-label={label}>
      {steps.map((step, index) => (
        <li key={index} className={step.tone} aria-current={step.tone === "now" ? "step" : undefined}>
          <span>{step.label}</span>
          {step.at ? <time dateTime={step.at}>{dateTime(step.at)}</time> : <span />}
          {step.note && <span className="note">{step.note}</span>}
        </li>
      ))}
    </ol>
  );
}
