/** What a page shows besides its content: waiting, empty, failed, told. */
import type { ReactNode } from "react";
import type { Problem } from "../api/http.ts";
import type { Resource } from "../api/useResource.ts";
import { useI18n } from "../i18n/index.tsx";
import { Button } from "./Button.tsx";

/** Lines of the right number, shown only when the wait is felt. */
export function Skeleton({ lines = 4 }: { lines?: number }) {
  const { t } = useI18n();
  return (
    <div className="skeleton" role="status" aria-label={t.common.loading}>
      {Array.from({ length: lines }, (_, line) => (
        <span key={line} />
      ))}
    </div>
  );
}

export function Empty({ title, text, children, small }: { title: string; text?: string; children?: ReactNode; small?: boolean }) {
  return (
    <div className={`empty ${small ? "small-frame" : ""}`}>
      <p className="strong">{title}</p>
      {text && <p className="soft small">{text}</p>}
      {children}
    </div>
  );
}

export type Tone = "plain" | "problem" | "caution" | "good" | "accent";

export function Notice({ tone = "plain", children, action }: { tone?: Tone; children: ReactNode; action?: ReactNode }) {
  return (
    <div className={`notice ${tone}`} role={tone === "problem" ? "alert" : undefined}>
      <div>{children}</div>
      {action}
    </div>
  );
}

export function Failed({ problem, retry }: { problem: Problem; retry?: () => void }) {
  const { t, problem: text } = useI18n();
  return (
    <Notice
      tone="problem"
      action={
        retry && (
          <Button small onClick={retry}>
            {t.common.retry}
          </Button>
        )
      }
    >
      {text(problem)}
    </Notice>
  );
}

/** The content once it is there, else the wait or what went wrong. */
export function Loaded<T>({ of, lines, children }: { of: Resource<T>; lines?: number; children: (data: T) => ReactNode }) {
  if (of.data !== undefined)
    return (
      <>
        {of.problem && <Failed problem={of.problem} retry={of.reload} />}
        {children(of.data)}
      </>
    );
  if (of.problem) return <Failed problem={of.problem} retry={of.reload} />;
  return <Skeleton lines={lines} />;
}

export function Badge({ tone = "plain", children }: { tone?: "plain" | "good" | "bad" | "caution" | "accent"; children: ReactNode }) {
  return <span className={`badge ${tone}`}>{children}</span>;
}
