import { useEffect, useState } from "react";
import type { Ticker } from "../api/types.ts";
import { feed } from "../live/feed.ts";

/** How often a list of prices is drawn again at most: calm beats quick here. */
const drawMilliseconds = 250;

const text = (value: unknown, otherwise: string) => (typeof value === "string" ? value : otherwise);

function merge(before: Ticker | undefined, event: Record<string, unknown>): Ticker {
  return {
    symbol: String(event.s),
    lastPrice: text(event.c, before?.lastPrice ?? ""),
    priceChange: text(event.p, before?.priceChange ?? ""),
    priceChangePercent: text(event.P, before?.priceChangePercent ?? ""),
    openPrice: text(event.o, before?.openPrice ?? ""),
    highPrice: text(event.h, before?.highPrice ?? ""),
    lowPrice: text(event.l, before?.lowPrice ?? ""),
    volume: text(event.v, before?.volume ?? ""),
    quoteVolume: text(event.q, before?.quoteVolume ?? ""),
  };
}

/** Live 24-hour tickers of these markets, beginning with what was read. */
export function useTickers(symbols: string[], initial: Ticker[] | undefined): Map<string, Ticker> {
  const [tickers, setTickers] = useState(() => new Map<string, Ticker>());

  useEffect(() => {
    if (initial)
      setTickers((known) => new Map([...initial.map((ticker) => [ticker.symbol, ticker] as const), ...known]));
  }, [initial]);

  useEffect(() => {
    const pending = new Map<string, Record<string, unknown>>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const draw = () => {
      timer = undefined;
      setTickers((known) => {
        const next = new Map(known);
        for (const [symbol, event] of pending) next.set(symbol, merge(known.get(symbol), event));
        return next;
      });
      pending.clear();
    };
    const handler = (event: Record<string, unknown>) => {
      pending.set(String(event.s), event);
      timer ??= setTimeout(draw, drawMilliseconds);
    };
    const stop = feed.subscribe(
      Object.fromEntries(symbols.map((symbol) => [`${symbol.toLowerCase()}@ticker`, handler])),
    );
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [symbols]);

  return tickers;
}
