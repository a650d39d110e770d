/** Public market data over one WebSocket (`/ws`): who listens to which stream, and asking again after a loss. */
import { Connection, type ConnectionState } from "./connection.ts";

type Handler = (event: Record<string, unknown>) => void;

/** The streams' own message names; an event without one is a best bid and offer. */
function streamOf(event: Record<string, unknown>): string | null {
  const symbol = typeof event.s === "string" ? event.s.toLowerCase() : null;
  if (!symbol) return null;
  switch (event.e) {
    case "trade":
      return `${symbol}@trade`;
    case "depthUpdate":
      return `${symbol}@depth@100ms`;
    case "24hrTicker":
      return `${symbol}@ticker`;
    case "24hrMiniTicker":
      return `${symbol}@miniTicker`;
    case "kline":
      return `${symbol}@kline_${(event.k as { i?: string } | undefined)?.i ?? ""}`;
    default:
      return null;
  }
}

/** How long the connection stays open after the last listener left: a change of page keeps it. */
const lingerMilliseconds = 2_000;

class Feed {
  #handlers = new Map<string, Set<Handler>>();
  #reopened = new Set<() => void>();
  #next = 1;
  #linger: ReturnType<typeof setTimeout> | undefined;
  #connection = new Connection("/ws", {
    opened: () => {
      this.#ask("SUBSCRIBE", [...this.#handlers.keys()]);
      for (const listener of this.#reopened) listener();
    },
    message: (message) => this.#dispatch(message),
    probe: () => this.#ask("LIST_SUBSCRIPTIONS", []),
  });

  get state(): ConnectionState {
    return this.#connection.state;
  }

  listen(listener: () => void): () => void {
    return this.#connection.listen(listener);
  }

  /** Listens to streams; `opened` runs each time the connection is (again) there. Returns the way to stop. */
  subscribe(streams: Record<string, Handler>, opened?: () => void): () => void {
    clearTimeout(this.#linger);
    const fresh: string[] = [];
    for (const [stream, handler] of Object.entries(streams)) {
      const handlers = this.#handlers.get(stream);
      if (handlers) handlers.add(handler);
      else {
        this.#handlers.set(stream, new Set([handler]));
        fresh.push(stream);
      }
    }
    if (opened) this.#reopened.add(opened);
    if (this.#connection.state === "live") {
      this.#ask("SUBSCRIBE", fresh);
      opened?.();
    } else this.#connection.open();
    return () => {
      if (opened) this.#reopened.delete(opened);
      this.#unsubscribe(streams);
    };
  }

  #unsubscribe(streams: Record<string, Handler>): void {
    const gone: string[] = [];
    for (const [stream, handler] of Object.entries(streams)) {
      const handlers = this.#handlers.get(stream);
      handlers?.delete(handler);
      if (handlers?.size === 0) {
        this.#handlers.delete(stream);
        gone.push(stream);
      }
    }
    this.#ask("UNSUBSCRIBE", gone);
    if (this.#handlers.size === 0) {
      clearTimeout(this.#linger);
      this.#linger = setTimeout(() => this.#connection.close(), lingerMilliseconds);
    }
  }

  #ask(method: "SUBSCRIBE" | "UNSUBSCRIBE" | "LIST_SUBSCRIPTIONS", streams: string[]): void {
    if (streams.length === 0 && method !== "LIST_SUBSCRIPTIONS") return;
    this.#connection.send({ method, ...(streams.length ? { params: streams } : {}), id: this.#next++ });
  }

  #dispatch(message: unknown): void {
    if (typeof message !== "object" || message === null) return;
    const event = message as Record<string, unknown>;
    const stream = streamOf(event);
    if (stream) this.#handlers.get(stream)?.forEach((handler) => handler(event));
  }
}

export const feed = new Feed();
