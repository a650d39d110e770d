/** Reading something of the Service into a page: what is there, what went wrong, and asking again. */
import { useCallback, useEffect, useRef, useState } from "react";
import { Problem } from "./http.ts";

export interface Resource<T> {
  data: T | undefined;
  problem: Problem | undefined;
  loading: boolean;
  reload: () => void;
  /** Puts a newer state in place, as when the Service pushed it. */
  update: (change: (data: T) => T) => void;
}

/**
 * Reads when `key` changes, and again on `reload`. A `null` key reads nothing. While it reads again
 * the data of the same key stays, so nothing jumps.
 */
export function useResource<T>(key: string | null, load: (signal: AbortSignal) => Promise<T>): Resource<T> {
  const [state, setState] = useState<{ key: string | null; data?: T; problem?: Problem; loading: boolean }>({
    key,
    loading: key !== null,
  });
  const [round, setRound] = useState(0);
  const latest = useRef(load);
  latest.current = load;

  useEffect(() => {
    if (key === null) return;
    const controller = new AbortController();
    setState((was) => (was.key === key ? { ...was, loading: true } : { key, loading: true }));
    latest.current(controller.signal).then(
      (data) => {
        if (!controller.signal.aborted) setState({ key, data, loading: false });
      },
      (error: unknown) => {
        if (controller.signal.aborted) return;
        const problem = error instanceof Problem ? error : new Problem("unexpected", 0, String(error), null, {});
        setState((was) => ({ key, data: was.key === key ? was.data : undefined, problem, loading: false }));
      },
    );
    return () => controller.abort();
  }, [key, round]);

  const reload = useCallback(() => setRound((value) => value + 1), []);
  const update = useCallback(
    (change: (data: T) => T) =>
      setState((was) => (was.data === undefined ? was : { ...was, data: change(was.data) })),
    [],
  );
  const current = state.key === key;
  return {
    data: current ? state.data : undefined,
    problem: current ? state.problem : undefined,
    loading: current ? state.loading : key !== null,
    reload,
    update,
  };
}

const kept = new Map<string, { at: number; value: Promise<unknown> }>();

/** Reads a public thing once for all who ask within `milliseconds`; a failure is not kept. */
export function once<T>(key: string, load: () => Promise<T>, milliseconds = 60_000): Promise<T> {
  const found = kept.get(key);
  if (found && Date.now() - found.at < milliseconds) return found.value as Promise<T>;
  const value = load();
  kept.set(key, { at: Date.now(), value });
  value.catch(() => kept.delete(key));
  return value;
}
