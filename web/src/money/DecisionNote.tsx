import { useState } from "react";
import { Problem } from "../api/http.ts";
import { askHuman } from "../api/service.ts";
import type { Decision } from "../api/types.ts";
import { useI18n } from "../i18n/index.tsx";
import { named } from "../i18n/problem.ts";
import { Button } from "../ui/Button.tsx";
import { useToast } from "../ui/Toast.tsx";
import "./money.css";

interface DecisionNoteProps {
  decision: Decision;
  /** What it is about has ended well, so that nobody needs a human any more. */
  ended?: boolean;
  onAsked?: () => void;
}

/** Why an automated decision came out as it did, what a human said, and the way to one. */
export function DecisionNote({ decision, ended, onAsked }: DecisionNoteProps) {
  const { t, language, dateTime, problem: problemText } = useI18n();
  const toast = useToast();
  const [busy, setBusy] = useState(false);
  const [asked, setAsked] = useState(decision.review?.asked === true);
  const { review } = decision;
  const ask = async () => {
    setBusy(true);
    try {
      await askHuman(decision.decision);
      setAsked(true);
      toast(t.decisions.asked);
    } catch (error) {
      toast(error instanceof Problem ? problemText(error) : t.errors.unexpected);
    }
    setBusy(false);
    onAsked?.();
  };
  const decided = review?.state === "approved" || review?.state === "refused";
  return (
    <>
      {decision.reasons.map((reason) => (
        <p key={reason.code}>{language === "uk" ? reason.uk : reason.en}</p>
      ))}
      {review?.state === "open" && <p className="soft small">{t.decisions.due(dateTime(review.due_at))}</p>}
      {decided && review?.finding && <p className="strong">{named(t.decisions.findings, review.finding)}</p>}
      {!decided && !ended && review?.state !== "ended" && (asked ? (
        <p className="soft small">{t.decisions.asked}</p>
      ) : (
        <div className="decision-ask">
          <Button small busy={busy} onClick={() => void ask()}>
            {t.decisions.ask}
          </Button>
        </div>
      ))}
    </>
  );
}
