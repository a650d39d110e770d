/**
 * An order while it is being typed: what is wrong with it, what would be sent, what it would cost.
 * Pure: it knows no page, no connection, no clock. All arithmetic is exact.
 */
import type { Asset, Market, NewOco, NewOrder, Side } from "../api/types.ts";
import {
  add,
  compare,
  type Decimal,
  decimal,
  divideDown,
  floorToStep,
  isMultiple,
  isZero,
  multiply,
  roundDown,
  stepScale,
  strip,
  subtract,
  toText,
  zero,
} from "../lib/decimal.ts";
import { type Language, readAmount } from "../lib/format.ts";
import type { Level } from "../live/book.ts";

/** What the form offers. Whether a stop-limit order is a stop-loss or a take-profit follows from its prices. */
export const draftTypes = ["limit", "market", "limit_maker", "stop_limit", "oco"] as const;
export type DraftType = (typeof draftTypes)[number];

export type Direction = "rise" | "fall";

export interface Draft {
  side: Side;
  type: DraftType;
  /** As typed, in the language of the page. */
  stop: string;
  /** From which side the price was to reach the stop price when that was typed; the last price may cross it since. */
  waitsFor: Direction | null;
  /** Limit of a pair's stop order once it is triggered; empty for a market order. */
  stopLimit: string;
  price: string;
  quantity: string;
  total: string;
  /** Which of the two a market order is sized by: the one typed last. */
  sizedBy: "quantity" | "total";
}

/** What is wrong with a field; the page has the words. */
export type Fault =
  | "empty"
  | "unreadable"
  | "step"
  | "below"
  | "above"
  | "reached"
  | "side"
  | "notional"
  | "balance";

export interface Preview {
  pay: Decimal;
  payAsset: string;
  /** After the fee. */
  receive: Decimal;
  receiveAsset: string;
  fee: Decimal;
  averagePrice: Decimal | null;
  /** It would trade at once, at least in part. */
  takes: boolean;
  /** The visible book holds less than a market order asks for. */
  short: boolean;
}

export interface Assessment {
  faults: { stop?: Fault; stopLimit?: Fault; price?: Fault; quantity?: Fault; total?: Fault };
  order: Omit<NewOrder, "client_order_id"> | null;
  /** Instead of an order, for a pair. */
  pair?: Omit<NewOco, "list_client_order_id"> | null;
  preview: Preview | null;
  /** A stop-limit order waits for the price to rise to its stop price, or to fall to it. */
  waitsFor?: Direction;
}

export interface Surroundings {
  market: Market;
  base: Asset;
  quote: Asset;
  bids: Level[];
  asks: Level[];
  /** Price of the last trade; `null` while unknown or before the first. */
  last: Decimal | null;
  /** Available balance of what is paid; `null` while unknown or signed out. */
  available: Decimal | null;
  language: Language;
}

interface Fill {
  base: Decimal;
  quote: Decimal;
  short: boolean;
}

/** What the visible book would give a market order of this size. */
function walk(levels: Level[], size: Decimal, by: "quantity" | "total", market: Market): Fill {
  let base = zero;
  let quote = zero;
  let left = size;
  const lot = decimal(market.lot_size);
  for (const level of levels) {
    const price = decimal(level.price);
    const depth = decimal(level.quantity);
    const wanted = by === "quantity" ? left : floorToStep(divideDown(left, price, stepScale(market.lot_size)) ?? zero, lot);
    const taken = compare(wanted, depth) < 0 ? wanted : depth;
    if (isZero(taken)) return { base, quote, short: false };
    base = add(base, taken);
    quote = add(quote, multiply(taken, price));
    left = subtract(left, by === "quantity" ? taken : multiply(taken, price));
    if (isZero(left) || compare(taken, depth) < 0) return { base, quote, short: false };
  }
  return { base, quote, short: !isZero(left) };
}

function read(typed: string, language: Language): Decimal | "empty" | "unreadable" {
  if (typed.trim() === "") return "empty";
  const text = readAmount(typed, language);
  return text === null ? "unreadable" : decimal(text);
}

export function assess(draft: Draft, around: Surroundings): Assessment {
  if (draft.type === "market") return assessMarket(draft, around);
  if (draft.type === "stop_limit") return assessStopLimit(draft, around);
  return draft.type === "oco" ? assessOco(draft, around) : assessLimit(draft, around);
}

/** A post-only order on one side of the last price and a stop-loss on the other; together they hold what the greater needs. */
function assessOco(draft: Draft, around: Surroundings): Assessment {
  const { market, language, last } = around;
  const limit = assessLimit({ ...draft, type: "limit_maker" }, around);
  const stop = read(draft.stop, language);
  const stopLimit = read(draft.stopLimit, language);
  const faults = { ...limit.faults };
  if (typeof stop === "string") faults.stop = stop;
  else faults.stop = priceFault(stop, market) ?? (onSide(stop, draft.side === "buy", last) ? undefined : "side");
  // Without a limit the stop order is a market order.
  if (stopLimit === "unreadable") faults.stopLimit = stopLimit;
  else if (stopLimit !== "empty") faults.stopLimit = priceFault(stopLimit, market);
  const price = read(draft.price, language);
  if (typeof price !== "string" && !faults.price && !onSide(price, draft.side === "sell", last)) faults.price = "side";
  const quantity = read(draft.quantity, language);
  if (typeof stop === "string" || typeof price === "string" || typeof quantity === "string")
    return { ...limit, faults, order: null, pair: null };

  const second = typeof stopLimit === "string" ? stop : stopLimit;
  const dearer = compare(second, price) > 0 ? second : price;
  const quote = multiply(draft.side === "buy" ? dearer : price, quantity);
  const preview = previewOf(draft, around, { base: quantity, quote, short: false }, true, null);
  const least = compare(second, price) < 0 ? second : price;
  if (!faults.total && compare(multiply(least, quantity), decimal(market.notional_min)) < 0) faults.total = "notional";
  if (!faults.total && over(preview, around)) faults.total = "balance";
  const sound = !Object.values(faults).some(Boolean);
  return {
    faults,
    preview,
    order: null,
    pair: sound
      ? {
          symbol: market.symbol,
          side: draft.side,
          quantity: toText(quantity),
          price: toText(price),
          stop_price: toText(stop),
          ...(typeof stopLimit === "string" ? {} : { stop_limit_price: toText(stopLimit) }),
        }
      : null,
  };
}

/** Above the last price, or below it; before the first trade anything is. */
function onSide(price: Decimal, above: boolean, last: Decimal | null): boolean {
  return last === null || compare(price, last) * (above ? 1 : -1) > 0;
}

/** A limit order that waits: a stop-loss if the price must first move against its owner, else a take-profit. */
function assessStopLimit(draft: Draft, around: Surroundings): Assessment {
  const { market, language, last } = around;
  const limit = assessLimit(draft, around);
  const stop = read(draft.stop, language);
  const faults = { ...limit.faults };
  if (typeof stop === "string") faults.stop = stop;
  else faults.stop = priceFault(stop, market);
  if (typeof stop === "string" || faults.stop) return { ...limit, faults, order: null };
  // Before the first trade there is no price to compare with; a stop-loss is what people mean then.
  const direction = draft.waitsFor ?? directionOf(draft.stop, around) ?? (draft.side === "buy" ? "rise" : "fall");
  const rises = direction === "rise";
  const ahead = last && compare(stop, last) * (rises ? 1 : -1);
  if (ahead !== null && ahead <= 0) return { ...limit, faults: { ...faults, stop: "reached" }, order: null };
  const against = rises === (draft.side === "buy");
  return {
    faults,
    preview: limit.preview,
    waitsFor: direction,
    order: limit.order && {
      ...limit.order,
      type: against ? "stop_loss_limit" : "take_profit_limit",
      stop_price: toText(stop),
    },
  };
}

/** From which side the last price would reach what is typed; `null` while one of them is missing. */
export function directionOf(stop: string, around: Surroundings): Direction | null {
  const typed = read(stop, around.language);
  if (typeof typed === "string" || !around.last) return null;
  return compare(typed, around.last) >= 0 ? "rise" : "fall";
}

function assessLimit(draft: Draft, around: Surroundings): Assessment {
  const { market, language } = around;
  const price = read(draft.price, language);
  const quantity = read(draft.quantity, language);
  const faults: Assessment["faults"] = {};
  if (typeof price === "string") faults.price = price;
  else faults.price = priceFault(price, market);
  if (typeof quantity === "string") faults.quantity = quantity;
  else faults.quantity = quantityFault(quantity, market);
  if (typeof price === "string" || typeof quantity === "string") return { faults, order: null, preview: null };

  const quote = multiply(price, quantity);
  const opposite = draft.side === "buy" ? around.asks[0] : around.bids[0];
  const order = draft.side === "buy" ? -1 : 1;
  // What the book will be like when a stop is reached, nobody knows: the higher fee is shown.
  const takes =
    draft.type === "stop_limit" ||
    (draft.type === "limit" && opposite !== undefined && compare(decimal(opposite.price), price) * order >= 0);
  const preview = previewOf(draft, around, { base: quantity, quote, short: false }, takes, null);
  if (!faults.price && !faults.quantity && compare(quote, decimal(market.notional_min)) < 0) faults.total = "notional";
  if (!faults.price && !faults.quantity && !faults.total && over(preview, around)) faults.total = "balance";
  const sound = !faults.price && !faults.quantity && !faults.total;
  return {
    faults,
    preview,
    order: sound
      ? {
          symbol: market.symbol,
          side: draft.side,
          type: draft.type === "limit_maker" ? draft.type : "limit",
          ...(draft.type === "limit_maker" ? {} : { time_in_force: "gtc" as const }),
          price: toText(price),
          quantity: toText(quantity),
        }
      : null,
  };
}

function assessMarket(draft: Draft, around: Surroundings): Assessment {
  const { market, language } = around;
  const by = draft.sizedBy;
  const size = read(by === "quantity" ? draft.quantity : draft.total, language);
  const faults: Assessment["faults"] = {};
  if (typeof size === "string") {
    faults[by] = size;
    return { faults, order: null, preview: null };
  }
  if (by === "quantity") faults.quantity = quantityFault(size, market);
  else if (strip(size).scale > around.quote.scale) faults.total = "step";
  else if (isZero(size)) faults.total = "below";

  const fill = walk(draft.side === "buy" ? around.asks : around.bids, size, by, market);
  const average = isZero(fill.base) ? null : divideDown(fill.quote, fill.base, stepScale(market.tick_size));
  const preview = previewOf(draft, around, fill, true, average);
  const worth = by === "total" ? size : fill.quote;
  if (!faults[by] && !fill.short && compare(worth, decimal(market.notional_min)) < 0) faults[by] = "notional";
  const spent = by === "total" && draft.side === "buy" ? { ...preview, pay: size } : preview;
  const sold = by === "quantity" && draft.side === "sell" ? { ...preview, pay: size } : spent;
  if (!faults[by] && over(sold, around)) faults[by] = "balance";
  return {
    faults,
    preview: isZero(fill.base) ? null : preview,
    order: faults[by]
      ? null
      : {
          symbol: market.symbol,
          side: draft.side,
          type: "market",
          ...(by === "quantity" ? { quantity: toText(size) } : { quote_quantity: toText(size) }),
        },
  };
}

function priceFault(price: Decimal, market: Market): Fault | undefined {
  if (compare(price, decimal(market.price_min)) < 0) return "below";
  if (compare(price, decimal(market.price_max)) > 0) return "above";
  return isMultiple(price, decimal(market.tick_size)) ? undefined : "step";
}

function quantityFault(quantity: Decimal, market: Market): Fault | undefined {
  if (compare(quantity, decimal(market.quantity_min)) < 0) return "below";
  if (compare(quantity, decimal(market.quantity_max)) > 0) return "above";
  return isMultiple(quantity, decimal(market.lot_size)) ? undefined : "step";
}

function over(preview: Preview, around: Surroundings): boolean {
  return around.available !== null && compare(preview.pay, around.available) > 0;
}

function previewOf(draft: Draft, around: Surroundings, fill: Fill, takes: boolean, averagePrice: Decimal | null): Preview {
  const { market, base, quote } = around;
  const rate = decimal(takes ? market.taker_fee : market.maker_fee);
  const buys = draft.side === "buy";
  const gross = buys ? fill.base : fill.quote;
  const receiveScale = buys ? base.scale : quote.scale;
  const fee = roundDown(multiply(gross, rate), receiveScale);
  return {
    pay: buys ? fill.quote : fill.base,
    payAsset: buys ? market.quote : market.base,
    receive: subtract(gross, fee),
    receiveAsset: buys ? market.base : market.quote,
    fee,
    averagePrice,
    takes,
    short: fill.short,
  };
}

/** Price × quantity of what is typed, as text of the quote's decimals; empty while either is missing. */
export function totalOf(price: string, quantity: string, around: Surroundings): string {
  const [p, q] = [readAmount(price, around.language), readAmount(quantity, around.language)];
  if (p === null || q === null) return "";
  return toText(strip(multiply(decimal(p), decimal(q)), around.quote.display_decimals));
}

/** The greatest whole number of lots that `total` buys at `price`; empty while either is missing. */
export function quantityFor(total: string, price: string, around: Surroundings): string {
  const [t, p] = [readAmount(total, around.language), readAmount(price, around.language)];
  if (t === null || p === null) return "";
  const lots = divideDown(decimal(t), decimal(p), stepScale(around.market.lot_size));
  return lots ? toText(strip(floorToStep(lots, decimal(around.market.lot_size)))) : "";
}

/** A share of what is available, in whole percent, as quantity or total. `null` when a price is needed first. */
export function shareOf(
  percent: number,
  draft: Draft,
  around: Surroundings,
): { quantity: string } | { total: string } | null {
  if (!around.available) return null;
  const part = multiply(around.available, { units: BigInt(percent), scale: 2 });
  const lot = decimal(around.market.lot_size);
  if (draft.side === "sell") return { quantity: toText(strip(floorToStep(part, lot))) };
  if (draft.type === "market") return { total: toText(roundDown(part, around.quote.display_decimals)) };
  const price = readAmount(draft.price, around.language);
  const lots = price === null ? null : divideDown(part, decimal(price), stepScale(around.market.lot_size));
  return lots ? { quantity: toText(strip(floorToStep(lots, lot))) } : null;
}
