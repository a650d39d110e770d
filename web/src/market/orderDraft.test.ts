import { describe, expect, test } from "vitest";
import { decimal, toText } from "../lib/decimal.ts";
import { assess, directionOf, type Draft, quantityFor, shareOf, type Surroundings, totalOf } from "./orderDraft.ts";

const around: Surroundings = {
  market: {
    symbol: "BTCEUR",
    base: "BTC",
    quote: "EUR",
    tick_size: "0.01",
    lot_size: "0.00001",
    quantity_min: "0.00001",
    quantity_max: "1000.00000",
    notional_min: "5.00",
    price_min: "0.01",
    price_max: "1000000.00",
    maker_fee: "0.001",
    taker_fee: "0.002",
    state: "trading",
  },
  base: { code: "BTC", scale: 8, display_decimals: 8, card: false },
  quote: { code: "EUR", scale: 8, display_decimals: 2, card: true },
  asks: [
    { price: "100.00", quantity: "1.00000" },
    { price: "110.00", quantity: "1.00000" },
  ],
  bids: [{ price: "90.00", quantity: "2.00000" }],
  last: decimal("95.00"),
  available: decimal("1000.00"),
  language: "en",
};
const draft = (change: Partial<Draft>): Draft => ({
  side: "buy",
  type: "limit",
  stop: "",
  waitsFor: null,
  stopLimit: "",
  price: "",
  quantity: "",
  total: "",
  sizedBy: "quantity",
  ...change,
});

describe("a limit order", () => {
  test("that rests is charged the maker fee on what it receives", () => {
    const { order, preview } = assess(draft({ price: "95", quantity: "2" }), around);
    expect(order).toEqual({ symbol: "BTCEUR", side: "buy", type: "limit", time_in_force: "gtc", price: "95", quantity: "2" });
    expect(preview?.takes).toBe(false);
    expect(preview && [toText(preview.pay), toText(preview.fee), toText(preview.receive)]).toEqual([
      "190",
      "0.00200000",
      "1.99800000",
    ]);
  });

  test("that crosses the book is charged the taker fee", () => {
    expect(assess(draft({ price: "100", quantity: "1" }), around).preview?.takes).toBe(true);
    expect(assess(draft({ side: "sell", price: "90", quantity: "1" }), around).preview?.takes).toBe(true);
    expect(assess(draft({ side: "sell", price: "90.01", quantity: "1" }), around).preview?.takes).toBe(false);
  });

  test.each([
    [{ price: "", quantity: "1" }, { price: "empty" }],
    [{ price: "abc", quantity: "1" }, { price: "unreadable" }],
    [{ price: "-1", quantity: "1" }, { price: "unreadable" }],
    [{ price: "NaN", quantity: "1" }, { price: "unreadable" }],
    [{ price: "10.001", quantity: "1" }, { price: "step" }],
    [{ price: "1000000.01", quantity: "1" }, { price: "above" }],
    [{ price: "0", quantity: "1" }, { price: "below" }],
    [{ price: "10", quantity: "0.000001" }, { quantity: "below" }],
    [{ price: "10", quantity: "1.000001" }, { quantity: "step" }],
    [{ price: "10", quantity: "99999999999999999999" }, { quantity: "above" }],
    [{ price: "10", quantity: "0.1" }, { total: "notional" }],
    [{ price: "500.01", quantity: "2" }, { total: "balance" }],
  ])("%j is refused", (change, faults) => {
    const found = assess(draft(change), around);
    expect(found.order).toBeNull();
    expect(Object.fromEntries(Object.entries(found.faults).filter(([, fault]) => fault))).toEqual(faults);
  });

  test("the whole balance, to the last unit, is allowed", () =>
    expect(assess(draft({ price: "500", quantity: "2" }), around).order).not.toBeNull());
});

describe("a stop-limit order", () => {
  const typed = (change: Partial<Draft>) => assess(draft({ type: "stop_limit", price: "100", quantity: "1", ...change }), around);

  test.each([
    ["buy", "96", "stop_loss_limit", "rise"],
    ["buy", "94", "take_profit_limit", "fall"],
    ["sell", "94", "stop_loss_limit", "fall"],
    ["sell", "96", "take_profit_limit", "rise"],
  ] as const)("%s with its stop at %s is a %s", (side, stop, type, waitsFor) => {
    const { order, waitsFor: direction } = typed({ side, stop });
    expect(order).toEqual({
      symbol: "BTCEUR",
      side,
      type,
      time_in_force: "gtc",
      price: "100",
      stop_price: stop,
      quantity: "1",
    });
    expect(direction).toBe(waitsFor);
  });

  test.each([
    ["", "empty"],
    ["x", "unreadable"],
    ["94.001", "step"],
    ["0", "below"],
    ["1000000.01", "above"],
    ["95", "reached"],
  ])("with %j as its stop price is refused", (stop, fault) => {
    const { order, faults } = typed({ stop });
    expect(order).toBeNull();
    expect(faults.stop).toBe(fault);
  });

  test("stays what it was meant to be when the last price has crossed its stop price since", () => {
    expect(directionOf("94", around)).toBe("fall");
    expect(directionOf("96", around)).toBe("rise");
    expect(directionOf("96", { ...around, last: null })).toBeNull();
    const { order, faults } = typed({ side: "sell", stop: "96", waitsFor: "fall" });
    expect(order).toBeNull();
    expect(faults.stop).toBe("reached");
  });

  test("needs everything that a limit order needs, and shows the higher fee", () => {
    expect(typed({ stop: "96", price: "" })).toMatchObject({ order: null, faults: { price: "empty" } });
    expect(typed({ stop: "96", price: "10", quantity: "0.1" })).toMatchObject({ order: null, faults: { total: "notional" } });
    expect(typed({ stop: "96" }).preview?.takes).toBe(true);
  });

  test("is a stop-loss before the first trade", () => {
    const early = { ...around, last: null };
    const order = draft({ type: "stop_limit", price: "100", quantity: "1", stop: "96", side: "sell" });
    expect(assess(order, early)).toMatchObject({ waitsFor: "fall", order: { type: "stop_loss_limit" } });
  });
});

describe("a pair of orders", () => {
  const typed = (change: Partial<Draft>) =>
    assess(draft({ type: "oco", side: "sell", price: "110", stop: "90", quantity: "1", ...change }), around);

  test("sells above or below the last price", () => {
    const { pair, order } = typed({ stopLimit: "89" });
    expect(order).toBeNull();
    expect(pair).toEqual({
      symbol: "BTCEUR",
      side: "sell",
      quantity: "1",
      price: "110",
      stop_price: "90",
      stop_limit_price: "89",
    });
    expect(typed({}).pair).not.toHaveProperty("stop_limit_price");
  });

  test("that buys pays at most what the dearer order costs", () => {
    const buys = { side: "buy", price: "80", stop: "100" } as const;
    const pay = (change: Partial<Draft>) => typed({ ...buys, ...change }).preview?.pay;
    expect(pay({})).toEqual(decimal("100"));
    expect(pay({ stopLimit: "105" })).toEqual(decimal("105"));
    expect(typed({ ...buys, quantity: "9.9", stopLimit: "105" })).toMatchObject({ pair: null, faults: { total: "balance" } });
    expect(typed({ ...buys, quantity: "9.5", stopLimit: "105" }).pair).not.toBeNull();
  });

  test.each([
    [{ price: "94" }, { price: "side" }],
    [{ stop: "96" }, { stop: "side" }],
    [{ side: "buy", price: "110", stop: "90" }, { price: "side", stop: "side" }],
    [{ stop: "" }, { stop: "empty" }],
    [{ stopLimit: "x" }, { stopLimit: "unreadable" }],
    [{ stopLimit: "89.001" }, { stopLimit: "step" }],
    [{ price: "" }, { price: "empty" }],
    [{ quantity: "0.05" }, { total: "notional" }],
  ] as [Partial<Draft>, object][])("%j is refused", (change, faults) => {
    const found = typed(change);
    expect(found.pair).toBeNull();
    expect(Object.fromEntries(Object.entries(found.faults).filter(([, fault]) => fault))).toEqual(faults);
  });
});

describe("a market order", () => {
  test("by quantity walks the book", () => {
    const { order, preview } = assess(draft({ type: "market", quantity: "1.5" }), around);
    expect(order).toEqual({ symbol: "BTCEUR", side: "buy", type: "market", quantity: "1.5" });
    expect(preview && [toText(preview.pay), preview.averagePrice && toText(preview.averagePrice), preview.short]).toEqual([
      "155.0000000",
      "103.33",
      false,
    ]);
  });

  test("by total buys whole lots for at most that much", () => {
    const { order, preview } = assess(draft({ type: "market", sizedBy: "total", total: "155" }), around);
    expect(order).toEqual({ symbol: "BTCEUR", side: "buy", type: "market", quote_quantity: "155" });
    expect(preview && toText(preview.receive)).toBe("1.49700000");
  });

  test("larger than the book is marked", () =>
    expect(assess(draft({ type: "market", quantity: "5" }), { ...around, available: null }).preview?.short).toBe(true));

  test("above the balance is refused", () => {
    expect(assess(draft({ type: "market", sizedBy: "total", total: "1000.01" }), around).faults.total).toBe("balance");
    expect(
      assess(draft({ type: "market", side: "sell", quantity: "3" }), { ...around, available: decimal("2.9") }).faults.quantity,
    ).toBe("balance");
  });
});

test("quantity and total follow each other", () => {
  expect(totalOf("58123.45", "0.12345", around)).toBe("7175.3399025");
  expect(totalOf("", "1", around)).toBe("");
  expect(quantityFor("100", "33", around)).toBe("3.0303");
  expect(quantityFor("100", "0", around)).toBe("");
});

test("shares of what is available", () => {
  expect(shareOf(50, draft({ type: "market" }), around)).toEqual({ total: "500.00" });
  expect(shareOf(100, draft({ price: "300" }), around)).toEqual({ quantity: "3.33333" });
  expect(shareOf(100, draft({ price: "" }), around)).toBeNull();
  expect(shareOf(25, draft({ side: "sell" }), { ...around, available: decimal("0.12345678") })).toEqual({ quantity: "0.03086" });
});
