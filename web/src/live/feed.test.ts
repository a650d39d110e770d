import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

/** A WebSocket whose other end is the test. */
class FakeSocket {
  static readonly OPEN = 1;
  static all: FakeSocket[] = [];
  readyState = 0;
  sent: { method: string; params?: string[] }[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;

  constructor(readonly address: URL) {
    FakeSocket.all.push(this);
  }
  send(text: string) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.readyState = 3;
    this.onclose?.();
  }
  accept() {
    this.readyState = 1;
    this.onopen?.();
  }
  say(message: unknown) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

const socket = (index: number) => {
  const found = FakeSocket.all.at(index);
  if (!found) throw new Error("no such socket");
  return found;
};
const trade = (symbol: string, t: number) => ({ e: "trade", s: symbol, t });

beforeEach(() => {
  vi.useFakeTimers();
  vi.resetModules();
  FakeSocket.all = [];
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("window", { location: { href: "https://enso.example/market/BTCEUR" }, addEventListener: () => {} });
  vi.stubGlobal("document", { addEventListener: () => {}, visibilityState: "visible" });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const freshFeed = async () => (await import("./feed.ts")).feed;

describe("the feed", () => {
  test("speaks to its own origin, asks for streams once, and hands out events by stream", async () => {
    const feed = await freshFeed();
    const [first, second, other] = [vi.fn(), vi.fn(), vi.fn()];
    feed.subscribe({ "btceur@trade": first });
    feed.subscribe({ "btceur@trade": second, "etheur@trade": other });
    expect(String(socket(0).address)).toBe("wss://enso.example/ws");
    socket(0).accept();
    expect(socket(0).sent).toMatchObject([{ method: "SUBSCRIBE", params: ["btceur@trade", "etheur@trade"] }]);
    socket(0).say(trade("BTCEUR", 1));
    expect([first.mock.calls.length, second.mock.calls.length, other.mock.calls.length]).toEqual([1, 1, 0]);
  });

  test("unsubscribes when the last listener of a stream goes, and closes when none is left", async () => {
    const feed = await freshFeed();
    const stopFirst = feed.subscribe({ "btceur@trade": vi.fn() });
    const stopSecond = feed.subscribe({ "btceur@trade": vi.fn() });
    socket(0).accept();
    stopFirst();
    expect(socket(0).sent.some((message) => message.method === "UNSUBSCRIBE")).toBe(false);
    stopSecond();
    expect(socket(0).sent.at(-1)).toMatchObject({ method: "UNSUBSCRIBE", params: ["btceur@trade"] });
    vi.advanceTimersByTime(5_000);
    expect([socket(0).readyState, feed.state]).toEqual([3, "idle"]);
  });

  test("comes back after a loss, asks again for what is still wanted, and says so to those who must read again", async () => {
    const feed = await freshFeed();
    const opened = vi.fn();
    feed.subscribe({ "btceur@depth@100ms": vi.fn() }, opened);
    feed.subscribe({ "btceur@trade": vi.fn() })();
    socket(0).accept();
    socket(0).close();
    expect(feed.state).toBe("offline");
    vi.advanceTimersByTime(1_000);
    expect(FakeSocket.all).toHaveLength(2);
    socket(1).accept();
    expect(feed.state).toBe("live");
    expect(socket(1).sent).toMatchObject([{ method: "SUBSCRIBE", params: ["btceur@depth@100ms"] }]);
    expect(opened).toHaveBeenCalledTimes(2);
  });

  test("waits longer after each failure, but never for ever", async () => {
    const feed = await freshFeed();
    feed.subscribe({ "btceur@trade": vi.fn() });
    const waits: number[] = [];
    for (let failure = 0; failure < 8; failure += 1) {
      socket(-1).close();
      const count = FakeSocket.all.length;
      let waited = 0;
      while (FakeSocket.all.length === count && waited < 60_000) {
        vi.advanceTimersByTime(100);
        waited += 100;
      }
      waits.push(waited);
    }
    expect(waits[0]).toBeLessThanOrEqual(700);
    expect(waits[4]).toBeGreaterThan(waits[1] ?? 0);
    expect(Math.max(...waits)).toBeLessThanOrEqual(19_000);
  });

  test("a connection that has gone silent is probed, then given up", async () => {
    const feed = await freshFeed();
    feed.subscribe({ "btceur@trade": vi.fn() });
    socket(0).accept();
    vi.advanceTimersByTime(25_000);
    expect(socket(0).sent.at(-1)?.method).toBe("LIST_SUBSCRIPTIONS");
    socket(0).say({ id: 2, result: [] });
    vi.advanceTimersByTime(20_000);
    expect(feed.state).toBe("live");
    vi.advanceTimersByTime(20_000);
    expect(feed.state).toBe("offline");
  });

  test("ignores what it does not know", async () => {
    const feed = await freshFeed();
    const handler = vi.fn();
    feed.subscribe({ "btceur@trade": handler });
    socket(0).accept();
    socket(0).onmessage?.({ data: "not json" });
    for (const message of [null, 7, "x", { e: "news", s: "BTCEUR" }, { e: "trade" }]) socket(0).say(message);
    expect(handler).not.toHaveBeenCalled();
  });
});
