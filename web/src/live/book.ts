/**
 * An order book kept in step with the Service: a snapshot, then deltas without a gap (`U` is the first
 * and `u` the last update of a delta). It knows no socket and no page; times do not matter to it.
 */
import { compare, type Decimal, decimal, isZero, strip, toText } from "../lib/decimal.ts";
import type { DepthSnapshot } from "../api/types.ts";

export interface DepthDelta {
  U: number;
  u: number;
  b: [string, string][];
  a: [string, string][];
}

export interface Level {
  price: string;
  quantity: string;
}

type SideLevels = Map<string, Level & { value: Decimal }>;

/** Deltas kept while the snapshot is under way; beyond it the oldest go, and the gap asks for a new snapshot. */
export const bufferedDeltasMax = 2_000;

/** `stale`: ask for a (new) snapshot. `applied`: the book changed. `ignored`: nothing to do. */
export type Outcome = "applied" | "ignored" | "stale";

export class Book {
  #bids: SideLevels = new Map();
  #asks: SideLevels = new Map();
  #lastUpdate: number | null = null;
  #waiting: DepthDelta[] = [];

  /** Whether a snapshot is in and no gap was seen since. */
  get synced(): boolean {
    return this.#lastUpdate !== null;
  }

  /** Forgets the snapshot, after a gap or a lost connection; deltas are buffered from here on. */
  reset(): void {
    this.#lastUpdate = null;
    this.#waiting = [];
  }

  delta(delta: DepthDelta): Outcome {
    if (this.#lastUpdate === null) {
      this.#waiting.push(delta);
      if (this.#waiting.length > bufferedDeltasMax) this.#waiting.shift();
      return "ignored";
    }
    if (delta.u <= this.#lastUpdate) return "ignored";
    if (delta.U > this.#lastUpdate + 1) {
      this.reset();
      this.#waiting.push(delta);
      return "stale";
    }
    this.#apply(delta);
    return "applied";
  }

  /** Takes the snapshot and the deltas buffered after it. `stale`: it is older than the first buffered delta. */
  snapshot(snapshot: DepthSnapshot): Outcome {
    const later = this.#waiting.filter((delta) => delta.u > snapshot.lastUpdateId);
    const first = later[0];
    if (first && first.U > snapshot.lastUpdateId + 1) return "stale";
    this.#bids = sideOf(snapshot.bids);
    this.#asks = sideOf(snapshot.asks);
    this.#lastUpdate = snapshot.lastUpdateId;
    this.#waiting = [];
    for (const delta of later) if (this.delta(delta) === "stale") return "stale";
    return "applied";
  }

  /** The best `count` levels, best first. */
  bids(count: number): Level[] {
    return best(this.#bids, count, -1);
  }

  asks(count: number): Level[] {
    return best(this.#asks, count, 1);
  }

  #apply(delta: DepthDelta): void {
    for (const [price, quantity] of delta.b) put(this.#bids, price, quantity);
    for (const [price, quantity] of delta.a) put(this.#asks, price, quantity);
    this.#lastUpdate = delta.u;
  }
}

/** Levels by their price's canonical text, so that `100.0` and `100.00` are one. */
function put(side: SideLevels, price: string, quantity: string): void {
  const value = strip(decimal(price));
  if (isZero(decimal(quantity))) side.delete(toText(value));
  else side.set(toText(value), { price, quantity, value });
}

function sideOf(levels: [string, string][]): SideLevels {
  const side: SideLevels = new Map();
  for (const [price, quantity] of levels) put(side, price, quantity);
  return side;
}

function best(side: SideLevels, count: number, direction: 1 | -1): Level[] {
  return [...side.values()]
    .sort((a, b) => direction * compare(a.value, b.value))
    .slice(0, count)
    .map(({ price, quantity }) => ({ price, quantity }));
}
