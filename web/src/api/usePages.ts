/** A list that the Service gives page by page, newest first. */
import { useCallback, useEffect, useState } from "react";
import { Problem } from "./http.ts";
import { useResource } from "./useResource.ts";

interface PageOf<T> {
  rows: T[];
  next: string | number | null;
}

export interface Pages<T> {
  rows: T[] | undefined;
  problem: Problem | undefined;
  loading: boolean;
  hasMore: boolean;
  more: () => void;
  reload: () => void;
}

export function usePages<T>(
  key: string,
  load: (before: string | number | null, signal?: AbortSignal) => Promise<PageOf<T>>,
): Pages<T> {
  const first = useResource(key, (signal) => load(null, signal));
  const [later, setLater] = useState<PageOf<T> | null>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  useEffect(() => {
    setLater(null);
    setProblem(undefined);
  }, [first.data]);
  const next = later ? later.next : (first.data?.next ?? null);
  const more = useCallback(() => {
    if (next === null || busy) return;
    setBusy(true);
    setProblem(undefined);
    load(next).then(
      (page) => {
        setLater((was) => ({ rows: [...(was?.rows ?? []), ...page.rows], next: page.next }));
        setBusy(false);
      },
      (error: unknown) => {
        setProblem(error instanceof Problem ? error : new Problem("unexpected", 0, String(error), null, {}));
        setBusy(false);
      },
    );
  }, [next, busy, load]);
  return {
    rows: first.data && [...first.data.rows, ...(later?.rows ?? [])],
    problem: first.problem ?? problem,
    loading: first.loading || busy,
    hasMore: next !== null,
    more,
    reload: first.reload,
  };
}
