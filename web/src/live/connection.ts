/**
 * One WebSocket that comes back: backoff with jitter, at once when the browser is online again, and a
 * watch on silence. It knows no message; the feeds built on it do.
 */
export type ConnectionState = "idle" | "connecting" | "live" | "offline";

const backoffMilliseconds = [500, 1_000, 2_000, 4_000, 8_000, 15_000];
/** Silence after which `probe` is called, and the further silence after which the connection counts as dead. */
const silenceMillisecondsMax = 25_000;
const probeMillisecondsMax = 10_000;

interface Handlers {
  opened: () => void;
  message: (message: unknown) => void;
  /** Sends something that must be answered, so that a dead connection shows. */
  probe?: () => void;
}

export class Connection {
  #path: string;
  #handlers: Handlers;
  #socket: WebSocket | null = null;
  #wanted = false;
  #attempt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setTimeout> | undefined;
  #state: ConnectionState = "idle";
  #listeners = new Set<() => void>();

  constructor(path: string, handlers: Handlers) {
    this.#path = path;
    this.#handlers = handlers;
    if (typeof window !== "undefined") {
      window.addEventListener("online", () => this.#retryNow());
      window.addEventListener("offline", () => this.#socket?.close());
      document.addEventListener("visibilitychange", () => {
        if (document.visibilityState === "visible") this.#retryNow();
      });
    }
  }

  get state(): ConnectionState {
    return this.#state;
  }

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  open(): void {
    this.#wanted = true;
    if (!this.#socket && this.#timer === undefined) this.#connect();
  }

  close(): void {
    this.#wanted = false;
    clearTimeout(this.#timer);
    clearTimeout(this.#watch);
    this.#timer = undefined;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    this.#become("idle");
  }

  send(message: unknown): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #connect(): void {
    this.#timer = undefined;
    this.#become(this.#attempt === 0 ? "connecting" : "offline");
    const address = new URL(this.#path, window.location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    this.#socket = socket;
    socket.onopen = () => {
      if (this.#socket !== socket) return;
      this.#become("live");
      this.#heard();
      this.#handlers.opened();
    };
    socket.onmessage = (event) => {
      if (this.#socket !== socket) return;
      this.#attempt = 0;
      this.#heard();
      let message: unknown;
      try {
        message = JSON.parse(String(event.data));
      } catch {
        return;
      }
      this.#handlers.message(message);
    };
    socket.onclose = () => {
      if (this.#socket !== socket) return;
      this.#lost();
    };
  }

  #lost(): void {
    this.#socket = null;
    clearTimeout(this.#watch);
    if (!this.#wanted) return;
    this.#become("offline");
    const wait = backoffMilliseconds[Math.min(this.#attempt, backoffMilliseconds.length - 1)] ?? 15_000;
    this.#attempt += 1;
    this.#timer = setTimeout(() => this.#connect(), wait * (0.75 + Math.random() / 2));
  }

  #retryNow(): void {
    if (!this.#wanted || this.#socket || this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#connect();
  }

  #heard(): void {
    clearTimeout(this.#watch);
    const { probe } = this.#handlers;
    if (!probe) return;
    this.#watch = setTimeout(() => {
      probe();
      this.#watch = setTimeout(() => this.#socket?.close(), probeMillisecondsMax);
    }, silenceMillisecondsMax);
  }

  #become(state: ConnectionState): void {
    if (this.#state === state) return;
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}
