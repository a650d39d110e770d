/** The account's own things, kept current by the Service's pushes; read again whenever the connection returns. */
import { useEffect } from "react";
import { accountFeed, type AccountListener } from "../live/account.ts";
import { getBalances, getOrders } from "./service.ts";
import type { Balance, Order } from "./types.ts";
import { type Resource, useResource } from "./useResource.ts";

/** Listens while `active`; the listener must be made of stable functions or memoised. */
export function useAccountFeed(active: boolean, listener: AccountListener): void {
  useEffect(() => (active ? accountFeed.subscribe(listener) : undefined), [active, listener]);
}

export function useBalances(active: boolean): Resource<{ balances: Balance[] }> {
  const resource = useResource(active ? "balances" : null, (signal) => getBalances(signal));
  const { update, reload } = resource;
  useEffect(() => {
    if (!active) return;
    return accountFeed.subscribe({
      opened: reload,
      balances: (changed) => update((data) => ({ ...data, balances: merge(data.balances, changed) })),
    });
  }, [active, update, reload]);
  return resource;
}

function merge(known: Balance[], changed: Balance[]): Balance[] {
  const fresh = new Map(changed.map((balance) => [balance.asset, balance]));
  const merged = known.map((balance) => fresh.get(balance.asset) ?? balance);
  const added = changed.filter((balance) => !known.some((old) => old.asset === balance.asset));
  return [...merged, ...added];
}

export interface OrderPage {
  orders: Order[];
  next: string | null;
}

export const isOpen = (order: Order) => order.status === "new" || order.status === "partially_filled";

export function useOpenOrders(active: boolean, symbol?: string): Resource<OrderPage> {
  const resource = useResource(active ? `open orders ${symbol ?? ""}` : null, (signal) =>
    getOrders({ status: "open", symbol, limit: 100 }, signal),
  );
  const { update, reload } = resource;
  useEffect(() => {
    if (!active) return;
    return accountFeed.subscribe({
      opened: reload,
      order: (order) => {
        if (symbol && order.symbol !== symbol) return;
        update((data) => {
          const others = data.orders.filter((known) => known.order !== order.order || known.symbol !== order.symbol);
          return { ...data, orders: isOpen(order) ? newestFirst([order, ...others]) : others };
        });
      },
    });
  }, [active, symbol, update, reload]);
  return resource;
}

function newestFirst(orders: Order[]): Order[] {
  return orders.sort((a, b) => b.created_at.localeCompare(a.created_at));
}
