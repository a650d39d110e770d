import { useEffect, useState } from "react";
import { getDepth } from "../api/service.ts";
import { Book, type DepthDelta, type Level } from "../live/book.ts";
import { feed } from "../live/feed.ts";

/** How often the book is drawn again at most. */
const drawMilliseconds = 150;
/** Wait before another snapshot, after one failed or was too old. */
const retryMilliseconds = 1_000;
/** Levels of each side that the page sees: what it shows, and enough to price a market order. */
const levelsMax = 200;

export interface BookView {
  bids: Level[];
  asks: Level[];
  synced: boolean;
}

const nothing: BookView = { bids: [], asks: [], synced: false };

/** The live order book of a market; its levels stay, marked unsynced, while a gap is being healed. */
export function useBook(symbol: string): BookView {
  const [view, setView] = useState<BookView>(nothing);

  useEffect(() => {
    setView(nothing);
    const book = new Book();
    let current = true;
    let drawing: ReturnType<typeof setTimeout> | undefined;
    let retry: ReturnType<typeof setTimeout> | undefined;
    let fetching = false;

    const draw = () => {
      drawing = undefined;
      setView((was) =>
        book.synced
          ? { bids: book.bids(levelsMax), asks: book.asks(levelsMax), synced: true }
          : { ...was, synced: false },
      );
    };
    const drawSoon = () => {
      drawing ??= setTimeout(draw, drawMilliseconds);
    };
    const fetchSnapshot = async () => {
      if (fetching) return;
      fetching = true;
      let fresh = false;
      try {
        const snapshot = await getDepth(symbol);
        fresh = current && book.snapshot(snapshot) === "applied";
      } catch {
        fresh = false;
      }
      fetching = false;
      if (!current) return;
      if (fresh) draw();
      else {
        clearTimeout(retry);
        retry = setTimeout(() => void fetchSnapshot(), retryMilliseconds);
      }
    };
    const stop = feed.subscribe(
      {
        [`${symbol.toLowerCase()}@depth@100ms`]: (event) => {
          const outcome = book.delta(event as unknown as DepthDelta);
          if (outcome === "applied") drawSoon();
          if (outcome === "stale") void fetchSnapshot();
        },
      },
      () => {
        book.reset();
        void fetchSnapshot();
      },
    );
    // While nothing arrives the levels stay in sight, marked as what they are: perhaps out of date.
    const stopLooking = feed.listen(() => {
      if (feed.state === "offline") setView((was) => ({ ...was, synced: false }));
    });
    return () => {
      current = false;
      stop();
      stopLooking();
      clearTimeout(drawing);
      clearTimeout(retry);
    };
  }, [symbol]);

  return view;
}
