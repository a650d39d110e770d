import { describe, expect, test } from "vitest";
import { Book, bufferedDeltasMax, type DepthDelta } from "./book.ts";

const delta = (U: number, u: number, b: [string, string][] = [], a: [string, string][] = []): DepthDelta => ({ U, u, b, a });
const snapshot = (lastUpdateId: number) => ({
  lastUpdateId,
  bids: [["99.00", "1"], ["100.00", "2"]] as [string, string][],
  asks: [["101.00", "3"], ["100.50", "4"]] as [string, string][],
});
const prices = (levels: { price: string }[]) => levels.map((level) => level.price);

describe("a snapshot", () => {
  test("shows the best levels first", () => {
    const book = new Book();
    expect(book.snapshot(snapshot(10))).toBe("applied");
    expect(prices(book.bids(5))).toEqual(["100.00", "99.00"]);
    expect(prices(book.asks(1))).toEqual(["100.50"]);
  });

  test("sorts by value, not by text", () => {
    const book = new Book();
    book.snapshot({ lastUpdateId: 1, bids: [["9.5", "1"], ["10.0", "1"]], asks: [["100", "1"], ["20", "1"]] });
    expect(prices(book.bids(2))).toEqual(["10.0", "9.5"]);
    expect(prices(book.asks(2))).toEqual(["20", "100"]);
  });

  test("drops buffered deltas that it holds already, applies the later ones", () => {
    const book = new Book();
    book.delta(delta(8, 9, [["100.00", "50"]]));
    book.delta(delta(10, 12, [["100.00", "7"]]));
    book.delta(delta(13, 13, [["98.00", "1"]]));
    expect(book.snapshot(snapshot(10))).toBe("applied");
    expect(book.bids(3)).toEqual([
      { price: "100.00", quantity: "7" },
      { price: "99.00", quantity: "1" },
      { price: "98.00", quantity: "1" },
    ]);
  });

  test("older than the first buffered delta is stale; a newer one heals", () => {
    const book = new Book();
    book.delta(delta(20, 21, [["97.00", "1"]]));
    expect(book.snapshot(snapshot(10))).toBe("stale");
    expect(book.synced).toBe(false);
    expect(book.snapshot(snapshot(19))).toBe("applied");
    expect(prices(book.bids(9))).toContain("97.00");
  });

  test("a hole among the buffered deltas is stale", () => {
    const book = new Book();
    book.delta(delta(11, 12));
    book.delta(delta(14, 15));
    expect(book.snapshot(snapshot(10))).toBe("stale");
    expect(book.synced).toBe(false);
  });
});

describe("a delta", () => {
  const synced = () => {
    const book = new Book();
    book.snapshot(snapshot(10));
    return book;
  };

  test("sets, adds and removes levels", () => {
    const book = synced();
    expect(book.delta(delta(11, 12, [["100.00", "0.00000"], ["99.50", "5"]], [["100.50", "9"]]))).toBe("applied");
    expect(prices(book.bids(9))).toEqual(["99.50", "99.00"]);
    expect(book.asks(1)).toEqual([{ price: "100.50", quantity: "9" }]);
  });

  test("names a level by its value, however many zeros it is written with", () => {
    const book = synced();
    book.delta(delta(11, 11, [["100.00000000", "0"], ["99", "6"]]));
    expect(book.bids(9)).toEqual([{ price: "99", quantity: "6" }]);
  });

  test("seen before is ignored", () => expect(synced().delta(delta(9, 10, [["1.00", "1"]]))).toBe("ignored"));

  test("after a gap makes the book stale, and is kept for the next snapshot", () => {
    const book = synced();
    expect(book.delta(delta(12, 13, [["96.00", "1"]]))).toBe("stale");
    expect(book.synced).toBe(false);
    expect(book.snapshot(snapshot(11))).toBe("applied");
    expect(prices(book.bids(9))).toContain("96.00");
  });

  test("the buffer is bounded", () => {
    const book = new Book();
    for (let id = 1; id <= bufferedDeltasMax + 5; id += 1) book.delta(delta(id, id));
    expect(book.snapshot(snapshot(2))).toBe("stale");
  });
});
