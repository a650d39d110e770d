import type { ReactNode } from "react";
import type { Pages } from "../api/usePages.ts";
import { useI18n } from "../i18n/index.tsx";
import { Button } from "./Button.tsx";
import { Failed, Skeleton } from "./States.tsx";

interface PagedTableProps<T> {
  of: Pages<T>;
  label: string;
  className?: string;
  head: ReactNode;
  row: (item: T) => ReactNode;
  empty: ReactNode;
}

/** A table that grows by pages, with its wait, failure and empty state. */
export function PagedTable<T>({ of, label, className, head, row, empty }: PagedTableProps<T>) {
  const { t } = useI18n();
  return (
    <>
      {of.problem && <Failed problem={of.problem} retry={of.rows ? of.more : of.reload} />}
      {!of.rows && !of.problem && <Skeleton lines={5} />}
      {of.rows?.length === 0 && empty}
      {of.rows && of.rows.length > 0 && (
        <div className="table-frame" tabIndex={0} role="group" aria-label={label}>
          <table className={`table stacks ${className ?? ""}`}>
            <thead>{head}</thead>
            <tbody>{of.rows.map(row)}</tbody>
          </table>
        </div>
      )}
      {of.hasMore && (
        <div className="actions">
          <Button busy={of.loading} onClick={of.more}>
            {t.common.more}
          </Button>
        </div>
      )}
    </>
  );
}
