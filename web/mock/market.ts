/** MOCK, for development only: markets that move by chance, with a book, trades, candles and tickers. Floats are fine here: nothing is worth anything. */
import { markets, startPrices } from "./data.ts";

const minute = 60_000;
const day = 1_440;
const steps: Record<string, number> = { "1m": 1, "5m": 5, "15m": 15, "1h": 60, "4h": 240, "1d": 1_440 };

export interface Candle {
  at: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
}

export type Emit = (stream: string, event: unknown) => void;

export class MockMarket {
  readonly spec: (typeof markets)[number];
  readonly candles: Candle[] = [];
  readonly trades: { id: number; price: string; qty: string; time: number; isBuyerMaker: boolean }[] = [];
  readonly book: { b: Map<string, number>; a: Map<string, number> } = { b: new Map(), a: new Map() };
  #price: number;
  #update = 1_000;
  #trade = 5_000;
  readonly decimals: number;
  readonly lotDecimals: number;
  #tick: number;

  constructor(spec: (typeof markets)[number]) {
    this.spec = spec;
    this.#tick = Number(spec.tick_size);
    this.decimals = spec.tick_size.split(".")[1]?.length ?? 0;
    this.lotDecimals = spec.lot_size.split(".")[1]?.length ?? 0;
    this.#price = startPrices[spec.symbol] ?? 100;
    this.#history();
    for (let index = 0; index < 30; index += 1) this.#level(index);
  }

  get price(): number {
    return this.#price;
  }

  #history(): void {
    const now = Math.floor(Date.now() / minute) * minute;
    let price = this.#price * (1 + (Math.random() - 0.5) * 0.05);
    const drift = (this.#price / price) ** (1 / (3 * day));
    for (let index = 3 * day; index >= 0; index -= 1) {
      const open = price;
      price = price * drift * (1 + (Math.random() - 0.5) * 0.0012);
      const wick = Math.abs(price - open) + price * 0.0003 * Math.random();
      this.candles.push({
        at: now - index * minute,
        open,
        close: price,
        high: Math.max(open, price) + wick / 2,
        low: Math.min(open, price) - wick / 2,
        volume: Math.random() * (60_000 / price) * 2,
      });
    }
    this.#price = price;
    for (let index = 40; index > 0; index -= 1) this.#print(Date.now() - index * 1_500);
  }

  #print(at: number): void {
    this.#price *= 1 + (Math.random() - 0.5) * 0.0004;
    const trade = {
      id: (this.#trade += 1),
      price: this.#price.toFixed(this.decimals),
      qty: Math.max(Number(this.spec.lot_size), (Math.random() * 4_000) / this.#price).toFixed(this.lotDecimals),
      time: at,
      isBuyerMaker: Math.random() < 0.5,
    };
    this.trades.push(trade);
    if (this.trades.length > 200) this.trades.shift();
  }

  #level(index: number): [string, string][] {
    const gap = this.#price * 0.0001 * (index + 0.5) + this.#tick;
    const quantity = (Math.random() * 9_000 + 200) / this.#price;
    const [bid, ask] = [(this.#price - gap).toFixed(this.decimals), (this.#price + gap).toFixed(this.decimals)];
    this.book.b.set(bid, quantity);
    this.book.a.set(ask, quantity);
    return [
      [bid, quantity.toFixed(this.lotDecimals)],
      [ask, quantity.toFixed(this.lotDecimals)],
    ];
  }

  step(emit: Emit): void {
    const name = this.spec.symbol.toLowerCase();
    if (Math.random() < 0.5) {
      this.#print(Date.now());
      const trade = this.trades.at(-1);
      if (trade) {
        this.#count(trade);
        emit(`${name}@trade`, { e: "trade", E: trade.time, s: this.spec.symbol, t: trade.id, p: trade.price, q: trade.qty, T: trade.time, m: trade.isBuyerMaker });
      }
      for (const interval of Object.keys(steps)) emit(`${name}@kline_${interval}`, this.#kline(interval));
      emit(`${name}@ticker`, this.tickerEvent());
    }
    emit(`${name}@depth@100ms`, this.#delta());
  }

  #count(trade: { price: string; qty: string; time: number }): void {
    const at = Math.floor(trade.time / minute) * minute;
    const price = Number(trade.price);
    let candle = this.candles.at(-1);
    if (!candle || candle.at !== at) this.candles.push((candle = { at, open: price, high: price, low: price, close: price, volume: 0 }));
    candle.high = Math.max(candle.high, price);
    candle.low = Math.min(candle.low, price);
    candle.close = price;
    candle.volume += Number(trade.qty);
  }

  #delta() {
    const b: [string, string][] = [];
    const a: [string, string][] = [];
    const gone = (side: Map<string, number>, out: [string, string][], crossed: (price: number) => boolean) => {
      for (const price of side.keys()) if (crossed(Number(price)) || Math.random() < 0.03) {
        side.delete(price);
        out.push([price, "0.00000"]);
      }
    };
    gone(this.book.b, b, (price) => price >= this.#price || price < this.#price * 0.99);
    gone(this.book.a, a, (price) => price <= this.#price || price > this.#price * 1.01);
    for (let count = 0; count < 3 || this.book.b.size < 24 || this.book.a.size < 24; count += 1) {
      const [bid, ask] = this.#level(Math.floor(Math.random() * 28));
      if (bid && ask) {
        b.push(bid);
        a.push(ask);
      }
      if (count > 40) break;
    }
    const U = this.#update + 1;
    this.#update += 2;
    return { e: "depthUpdate", E: Date.now(), s: this.spec.symbol, U, u: this.#update, b, a };
  }

  depth() {
    const side = (levels: Map<string, number>, direction: number) =>
      [...levels].map(([price, quantity]) => [price, quantity.toFixed(this.lotDecimals)]).sort((x, y) => direction * (Number(x[0]) - Number(y[0])));
    return { lastUpdateId: this.#update, bids: side(this.book.b, -1), asks: side(this.book.a, 1) };
  }

  group(interval: string): Candle[] {
    const width = (steps[interval] ?? 1) * minute;
    const groups = new Map<number, Candle>();
    for (const candle of this.candles) {
      const at = Math.floor(candle.at / width) * width;
      const group = groups.get(at);
      if (!group) groups.set(at, { ...candle, at });
      else {
        group.high = Math.max(group.high, candle.high);
        group.low = Math.min(group.low, candle.low);
        group.close = candle.close;
        group.volume += candle.volume;
      }
    }
    return [...groups.values()];
  }

  klines(interval: string, limit: number) {
    return this.group(interval)
      .slice(-limit)
      .map((candle) => [candle.at, ...this.#texts(candle), candle.at + (steps[interval] ?? 1) * minute - 1, "0", 1, "0", "0", "0"]);
  }

  #texts(candle: Candle): string[] {
    return [candle.open, candle.high, candle.low, candle.close].map((value) => value.toFixed(this.decimals)).concat(candle.volume.toFixed(this.lotDecimals));
  }

  #kline(interval: string) {
    const candle = this.group(interval).at(-1);
    const [o, h, l, c, v] = candle ? this.#texts(candle) : [];
    return { e: "kline", E: Date.now(), s: this.spec.symbol, k: { t: candle?.at, i: interval, o, h, l, c, v, x: false } };
  }

  ticker() {
    const last = this.candles.slice(-day);
    const open = last[0]?.open ?? this.#price;
    const volume = last.reduce((sum, candle) => sum + candle.volume, 0);
    return {
      symbol: this.spec.symbol,
      lastPrice: this.#price.toFixed(this.decimals),
      priceChange: (this.#price - open).toFixed(this.decimals),
      priceChangePercent: ((this.#price / open - 1) * 100).toFixed(3),
      openPrice: open.toFixed(this.decimals),
      highPrice: Math.max(...last.map((candle) => candle.high)).toFixed(this.decimals),
      lowPrice: Math.min(...last.map((candle) => candle.low)).toFixed(this.decimals),
      volume: volume.toFixed(this.lotDecimals),
      quoteVolume: (volume * this.#price).toFixed(2),
    };
  }

  tickerEvent() {
    const { symbol, lastPrice, priceChange, priceChangePercent, openPrice, highPrice, lowPrice, volume, quoteVolume } = this.ticker();
    return { e: "24hrTicker", E: Date.now(), s: symbol, c: lastPrice, p: priceChange, P: priceChangePercent, o: openPrice, h: highPrice, l: lowPrice, v: volume, q: quoteVolume };
  }
}
