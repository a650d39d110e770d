import { useEffect } from "react";
import type { Deposit, Withdrawal } from "../api/types.ts";
import { type Resource, useResource } from "../api/useResource.ts";
import { type AccountListener, accountFeed } from "../live/account.ts";
import { isFinal } from "./MovementView.tsx";

/** How often an open movement is asked for besides the pushes, which a sleeping tab may miss. */
const pollMilliseconds = 2_000;

/** One deposit or withdrawal, followed until it has ended. */
export function useMovement<T extends Deposit | Withdrawal>(
  id: string,
  load: (id: string, signal: AbortSignal) => Promise<T>,
  listen: (take: (movement: T) => void) => AccountListener,
): Resource<T> {
  const resource = useResource(`movement ${id}`, (signal) => load(id, signal));
  const { update, reload, data } = resource;
  const open = data !== undefined && !isFinal(data.status);

  useEffect(() => {
    const idOf = (movement: Deposit | Withdrawal) => ("deposit" in movement ? movement.deposit : movement.withdrawal);
    return accountFeed.subscribe({
      ...listen((movement) => {
        if (idOf(movement) === id) update(() => movement);
      }),
      opened: reload,
    });
    // `listen` only names the kind of push.
  }, [id, update, reload]);

  useEffect(() => {
    if (!open) return;
    const timer = setInterval(reload, pollMilliseconds);
    return () => clearInterval(timer);
  }, [open, reload]);

  return resource;
}
