import { useEffect, useState } from "react";
import { getPublicTrades } from "../api/service.ts";
import type { PublicTrade } from "../api/types.ts";
import { feed } from "../live/feed.ts";

const drawMilliseconds = 200;
const tradesMax = 50;

function newest(trades: PublicTrade[]): PublicTrade[] {
  const byId = new Map(trades.map((trade) => [trade.id, trade]));
  return [...byId.values()].sort((a, b) => b.id - a.id).slice(0, tradesMax);
}

/** The last trades of a market, newest first; `undefined` until they are read. */
export function usePublicTrades(symbol: string): PublicTrade[] | undefined {
  const [trades, setTrades] = useState<PublicTrade[]>();

  useEffect(() => {
    setTrades(undefined);
    let current = true;
    let pending: PublicTrade[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const draw = () => {
      timer = undefined;
      const fresh = pending;
      pending = [];
      setTrades((known) => newest([...fresh, ...(known ?? [])]));
    };
    const load = () =>
      getPublicTrades(symbol).then(
        (list) => current && setTrades((known) => newest([...list, ...(known ?? [])])),
        () => {},
      );
    const stop = feed.subscribe(
      {
        [`${symbol.toLowerCase()}@trade`]: (event) => {
          const { t, p, q, T, m } = event as { t: number; p: string; q: string; T: number; m: boolean };
          pending.push({ id: t, price: p, qty: q, time: T, isBuyerMaker: m });
          timer ??= setTimeout(draw, drawMilliseconds);
        },
      },
      () => void load(),
    );
    void load();
    return () => {
      current = false;
      stop();
      clearTimeout(timer);
    };
  }, [symbol]);

  return trades;
}
