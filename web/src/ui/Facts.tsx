import type { ReactNode } from "react";

/** Terms with their values. */
export function Facts({ rows, roomy }: { rows: (false | null | { term: ReactNode; value: ReactNode; total?: boolean })[]; roomy?: boolean }) {
  return (
    <dl className={`facts ${roomy ? "roomy" : ""}`}>
      {rows.map((row, index) =>
        row ? (
          <div key={index} className={row.total ? "total" : undefined}>
            <dt>{row.term}</dt>
            <dd>{row.value}</dd>
          </div>
        ) : null,
      )}
    </dl>
  );
}
