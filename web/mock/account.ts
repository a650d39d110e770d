/** MOCK, for development only: one account in memory. It checks little and rounds carelessly; the Service does neither. */
import type { MockMarket } from "./market.ts";

type Row = Record<string, unknown>;
export type Push = (message: Row) => void;

const fixed = (value: number) => value.toFixed(8);
const now = () => new Date().toISOString();

export class MockAccount {
  readonly available: Record<string, number> = { BTC: 0.12345678, ETH: 0, EUR: 1_250.5, UAH: 18_000 };
  readonly held: Record<string, number> = { BTC: 0, ETH: 0, EUR: 0, UAH: 0 };
  readonly orders: Row[] = [];
  readonly fills: Row[] = [];
  readonly entries: Row[] = [];
  readonly deposits: Row[] = [];
  readonly withdrawals: Row[] = [];
  keys: Row[] = [];
  #next = 100;
  #push: Push;
  #markets: Map<string, MockMarket>;

  constructor(markets: Map<string, MockMarket>, push: Push) {
    this.#markets = markets;
    this.#push = push;
    this.#enter("EUR", 1_250.5, "deposit", "dep_mock0");
    this.#enter("BTC", 0.12345678, "trade", "41");
  }

  balances() {
    return Object.keys(this.available).map((asset) => {
      const [available, held] = [this.available[asset] ?? 0, this.held[asset] ?? 0];
      return { asset, available: fixed(available), held: fixed(held), total: fixed(available + held) };
    });
  }

  #enter(asset: string, amount: number, code: string, reference: string): void {
    this.entries.unshift({ entry: String((this.#next += 1)), sequence: this.#next, asset, amount: fixed(amount), code, reference, at: now() });
  }

  #told(): void {
    this.#push({ type: "balances", balances: this.balances() });
  }

  place(body: Row): { status: number; body: Row } {
    const known = this.orders.find((order) => order.client_order_id === body.client_order_id);
    if (known) return { status: 201, body: known };
    const market = this.#markets.get(String(body.symbol));
    if (!market) return problem(400, "unknown_market", "There is no such market.");
    const buys = body.side === "buy";
    const { base, quote } = market.spec;
    const isMarket = body.type === "market";
    const price = isMarket ? market.price : Number(body.price);
    const quantity = body.quantity ? Number(body.quantity) : Number(body.quote_quantity) / price;
    const [payAsset, pay] = buys ? [quote, quantity * price] : [base, quantity];
    if (pay > (this.available[payAsset] ?? 0)) return problem(400, "insufficient_balance", "Your available balance does not cover this order.");
    const stop = body.stop_price ? Number(body.stop_price) : null;
    if (stop !== null && stop === market.price)
      return problem(400, "stop_would_trigger", "The last price has reached this stop price already.", { field: "stop_price" });
    const crosses = stop === null && (isMarket || (buys ? price >= market.price : price <= market.price));
    if (body.type === "limit_maker" && crosses) return problem(400, "would_take", "This post-only order would trade at once. Change its price.", { field: "price" });
    const order: Row = {
      order: String((this.#next += 1)),
      client_order_id: body.client_order_id,
      symbol: market.spec.symbol,
      side: body.side,
      type: body.type,
      time_in_force: isMarket ? "ioc" : "gtc",
      price: isMarket ? null : price.toFixed(market.decimals),
      ...(stop === null ? {} : { stop_price: stop.toFixed(market.decimals) }),
      quantity: body.quantity ? quantity.toFixed(market.lotDecimals) : null,
      ...(body.quote_quantity ? { quote_quantity: body.quote_quantity } : {}),
      executed_quantity: (0).toFixed(market.lotDecimals),
      executed_quote: "0.00",
      average_price: null,
      status: "new",
      created_at: now(),
      updated_at: now(),
    };
    this.orders.unshift(order);
    if (crosses) this.#fill(order, market, quantity, market.price);
    else {
      this.available[payAsset] = (this.available[payAsset] ?? 0) - pay;
      this.held[payAsset] = (this.held[payAsset] ?? 0) + pay;
    }
    this.#push({ type: "order", order });
    this.#told();
    return { status: 201, body: order };
  }

  /** Both orders, held once; neither is ever filled here. */
  placeOco(body: Row): { status: number; body: Row } {
    const market = this.#markets.get(String(body.symbol));
    if (!market) return problem(400, "unknown_market", "There is no such market.");
    const sells = body.side === "sell";
    const [price, stop] = [Number(body.price), Number(body.stop_price)];
    if (sells ? price <= market.price || stop >= market.price : price >= market.price || stop <= market.price)
      return problem(400, "oco_prices", "The prices must lie on the two sides of the last price.", { field: "stop_price" });
    const list = String(this.#next + 1);
    const common = { symbol: body.symbol, side: body.side, quantity: body.quantity, list };
    const limit = this.place({ ...common, type: "limit_maker", price: body.price, client_order_id: `${list}-limit` });
    if (limit.status !== 201) return limit;
    const second: Row = {
      ...limit.body,
      order: String((this.#next += 1)),
      type: body.stop_limit_price ? "stop_loss_limit" : "stop_loss",
      price: body.stop_limit_price ? Number(body.stop_limit_price).toFixed(market.decimals) : null,
      stop_price: stop.toFixed(market.decimals),
      list,
    };
    limit.body.list = list;
    this.orders.unshift(second);
    this.#push({ type: "order", order: second });
    const orders = sells ? [limit.body, second] : [second, limit.body];
    return { status: 201, body: { list, list_client_order_id: body.list_client_order_id, ended: false, orders } };
  }

  #fill(order: Row, market: MockMarket, quantity: number, price: number): void {
    const buys = order.side === "buy";
    const { base, quote } = market.spec;
    const worth = quantity * price;
    const [received, gained] = buys ? [base, quantity] : [quote, worth];
    const [paid, given] = buys ? [quote, worth] : [base, quantity];
    const fee = gained * 0.002;
    this.available[received] = (this.available[received] ?? 0) + gained - fee;
    this.available[paid] = (this.available[paid] ?? 0) - given;
    Object.assign(order, { status: "filled", executed_quantity: quantity.toFixed(market.lotDecimals), executed_quote: worth.toFixed(8), average_price: price.toFixed(market.decimals), updated_at: now() });
    const trade = String((this.#next += 1));
    this.#enter(paid, -given, "trade", trade);
    this.#enter(received, gained, "trade", trade);
    this.#enter(received, -fee, "fee", trade);
    this.fills.unshift({ trade, order: order.order, symbol: order.symbol, side: order.side, price: price.toFixed(market.decimals), quantity: quantity.toFixed(market.lotDecimals), quote: worth.toFixed(8), fee: fixed(fee), fee_asset: received, liquidity: "taker", at: now() });
  }

  cancel(id: string): { status: number; body: Row } {
    const order = this.orders.find((entry) => entry.order === id && entry.status === "new");
    const market = this.#markets.get(String(order?.symbol));
    if (!order || !market) return problem(404, "unknown_order", "You have no such order here, or it is no longer open.");
    const [asset, amount] = order.side === "buy" ? [market.spec.quote, Number(order.price) * Number(order.quantity)] : [market.spec.base, Number(order.quantity)];
    this.held[asset] = (this.held[asset] ?? 0) - amount;
    this.available[asset] = (this.available[asset] ?? 0) + amount;
    Object.assign(order, { status: "canceled", updated_at: now() });
    this.#push({ type: "order", order });
    this.#told();
    return { status: 200, body: order };
  }

  start(kind: "deposit" | "withdrawal", body: Row): { status: number; body: Row } {
    const amount = Number(body.amount);
    const asset = String(body.asset);
    if (kind === "withdrawal") {
      if (amount > (this.available[asset] ?? 0)) return problem(400, "insufficient_balance", "That is more than is available.", { field: "amount" });
      this.available[asset] = (this.available[asset] ?? 0) - amount;
      this.held[asset] = (this.held[asset] ?? 0) + amount;
      this.#told();
    }
    const id = `${kind === "deposit" ? "dep" : "wd"}_mock${(this.#next += 1)}`;
    const first = { state: "created", at: now() };
    const second = { state: kind === "deposit" ? "pending" : "held", at: now() };
    const row: Row = { [kind]: id, asset, amount: amount.toFixed(2), status: second.state, reference: id, created_at: now(), updated_at: now(), timeline: [first, second], redirect_url: `/mock/pay?kind=${kind}&id=${id}` };
    (kind === "deposit" ? this.deposits : this.withdrawals).unshift(row);
    return { status: 201, body: row };
  }

  /** What the mock's card page says. */
  settle(kind: "deposit" | "withdrawal", id: string, outcome: "good" | "bad"): void {
    const row = (kind === "deposit" ? this.deposits : this.withdrawals).find((entry) => entry[kind] === id);
    if (!row || row.redirect_url === undefined) return;
    delete row.redirect_url;
    const reach = (status: string) => {
      (row.timeline as Row[]).push({ state: status, at: now() });
      Object.assign(row, { status, updated_at: now() });
      this.#push({ type: kind, [kind]: row });
    };
    const amount = Number(row.amount);
    const asset = String(row.asset);
    if (kind === "withdrawal") reach("submitted");
    setTimeout(() => {
      if (outcome === "bad") row.decline = { code: kind === "deposit" ? "insufficient_funds" : "card_declined", message: "Declined." };
      if (kind === "deposit" && outcome === "good") {
        this.available[asset] = (this.available[asset] ?? 0) + amount;
        this.#enter(asset, amount, "deposit", id);
      }
      if (kind === "withdrawal") {
        this.held[asset] = (this.held[asset] ?? 0) - amount;
        if (outcome === "bad") this.available[asset] = (this.available[asset] ?? 0) + amount;
        else this.#enter(asset, -amount, "withdrawal", id);
      }
      reach(outcome === "bad" ? "failed" : kind === "deposit" ? "credited" : "paid");
      this.#told();
    }, 1_500);
  }

  cancelWithdrawal(id: string): { status: number; body: Row } {
    const row = this.withdrawals.find((entry) => entry.withdrawal === id);
    if (!row || row.status !== "held") return problem(409, "not_cancelable", "It can no longer be cancelled.");
    const [asset, amount] = [String(row.asset), Number(row.amount)];
    this.held[asset] = (this.held[asset] ?? 0) - amount;
    this.available[asset] = (this.available[asset] ?? 0) + amount;
    (row.timeline as Row[]).push({ state: "canceled", at: now() });
    Object.assign(row, { status: "canceled", updated_at: now() });
    delete row.redirect_url;
    this.#told();
    return { status: 200, body: row };
  }
}

export function problem(status: number, code: string, detail: string, more: Row = {}) {
  return { status, body: { type: `/problems/${code}`, title: "Refused", status, detail, code, ...more } };
}
