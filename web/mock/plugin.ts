/**
 * MOCK, for development only (`npm run dev:mock`): answers in place of the Service, in memory, so that pages
 * can be looked at without it. Sign in with any e-mail and password; every code is 123456.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Plugin } from "vite";
import { WebSocketServer, type WebSocket } from "ws";
import { MockAccount, problem } from "./account.ts";
import { accessLog, assets, catalogue, clauses, head, limits, markets, policy, recipients } from "./data.ts";
import { MockMarket } from "./market.ts";
import { rightsAnswer } from "./rights.ts";

type Row = Record<string, unknown>;
interface Answer {
  status: number;
  body?: unknown;
  cookie?: string;
  html?: string;
}

/** The production policy, so that what breaks under it breaks here first. */
const contentSecurityPolicy =
  "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self' http://localhost:8090";

const world = new Map(markets.map((spec) => [spec.symbol, new MockMarket(spec)]));
const watchers = new Map<WebSocket, Set<string>>();
const own = new Set<WebSocket>();
const account = new MockAccount(world, (message) => own.forEach((socket) => socket.send(JSON.stringify(message))));

const acknowledged = {
  accepted_hash: policy.hash,
  accepted_version: policy.version,
  accepted_at: "2026-11-20T10:00:00Z",
  in_force_hash: policy.hash,
  in_force: policy,
  acknowledgement_due: false,
};
const ok = (body: unknown, status = 200): Answer => ({ status, body });
const page = (rows: Row[], name: string, url: URL): Answer => {
  const limit = Number(url.searchParams.get("limit") ?? 50);
  return ok({ [name]: rows.slice(0, limit), next: null });
};

function publicAnswer(url: URL): Answer | null {
  const symbol = url.searchParams.get("symbol");
  const market = symbol ? world.get(symbol) : undefined;
  const limit = Number(url.searchParams.get("limit") ?? 500);
  switch (url.pathname) {
    case "/health":
      return ok({ status: "ok", service: "ensoex", demo: true });
    case "/v1/markets":
      return ok({ markets, assets });
    case "/api/v3/ticker/24hr":
      return ok(market ? market.ticker() : [...world.values()].map((entry) => entry.ticker()));
    case "/api/v3/depth":
      return market ? ok(market.depth()) : null;
    case "/api/v3/trades":
      return market ? ok(market.trades.slice(-limit)) : null;
    case "/api/v3/klines":
      return market ? ok(market.klines(url.searchParams.get("interval") ?? "1m", limit)) : null;
    case "/v1/policy":
      return ok(policy);
    case "/v1/catalogue":
      return ok(catalogue);
    case "/v1/transparency/disclosures":
      return ok(recipients);
    case "/v1/clauses":
      return ok(clauses(url.searchParams.get("language") ?? "en"));
    case "/v1/registration/limits":
      return ok(limits);
    case "/v1/transparency/access":
      return ok(head);
    case "/dev/messages":
      return { status: 200, html: "<!doctype html><title>Mock messages</title><p>Every code is 123456." };
    default:
      return null;
  }
}

function payPage(url: URL): Answer | null {
  if (url.pathname !== "/mock/pay") return null;
  const [kind, id, outcome] = ["kind", "id", "outcome"].map((name) => url.searchParams.get(name) ?? "");
  const back = kind === "deposit" ? "deposit" : "withdraw";
  if (outcome) {
    account.settle(kind === "deposit" ? "deposit" : "withdrawal", id ?? "", outcome === "good" ? "good" : "bad");
    return { status: 303, html: `/${back}/${id}` };
  }
  const link = (name: string, label: string) => `<p><a href="?kind=${kind}&id=${id}&outcome=${name}">${label}</a></p>`;
  return { status: 200, html: `<!doctype html><title>Mock card page</title><h1>Mock card page</h1>${link("good", "Approve")}${link("bad", "Decline")}` };
}

function ownAnswer(method: string, url: URL, body: Row, signedIn: boolean): Answer | null {
  const path = url.pathname;
  const route = `${method} ${path}`;
  if (route === "GET /v1/session") return ok(signedIn ? { signed_in: true, account: "1007" } : { signed_in: false });
  if (route === "POST /v1/session")
    return body.password === "wrong" ? problem(401, "wrong_credentials", "E-mail address and password do not fit together.") : { ...ok({ signed_in: true, account: "1007" }), cookie: "mock_session=1; Path=/; HttpOnly; SameSite=Strict" };
  if (route === "DELETE /v1/session") return { status: 204, cookie: "mock_session=; Path=/; Max-Age=0" };
  if (route === "POST /v1/registrations")
    return ok({ registration: "reg_mock", expires_at: inMinutes(60), codes_expire_at: inMinutes(10), email_hint: "e-mail" }, 202);
  if (path.endsWith("/codes")) return problem(429, "too_soon", "New ones can be sent in 25 seconds.", { retry_after_s: 25 });
  if (path.endsWith("/confirm"))
    return body.email_code === "123456" && body.phone_code === "123456"
      ? { ...ok({ account: "1007" }, 201), cookie: "mock_session=1; Path=/; HttpOnly; SameSite=Strict" }
      : problem(400, "wrong_code", "At least one of the codes is not right.", { attempts_left: 3 });
  if (!path.startsWith("/v1/")) return null;
  if (!signedIn) return problem(401, "not_signed_in", "Sign in first; your session may have ended.");
  return accountAnswer(method, url, body);
}

function accountAnswer(method: string, url: URL, body: Row): Answer | null {
  const [, , kind = "", id = "", last = ""] = url.pathname.split("/");
  const route = `${method} ${kind}`;
  const one = (rows: Row[], name: string) => {
    const row = rows.find((entry) => entry[name] === id);
    return row ? ok(row) : problem(404, "unknown_transfer", "You have none by this number.");
  };
  const rights = kind === "me" ? rightsAnswer(method, id, last, body) : null;
  if (rights) return rights;
  switch (route) {
    case "GET me":
      if (id === "access-log") return ok(accessLog());
      if (id === "factors") return ok({ passkeys: [], passkeys_possible: true, totp: null, recovery_codes_left: 0, proofs: ["password"] });
      if (id) return ok({ mock: true });
      return ok({ account: "1007", email: "anna@example.org", phone: "+380501234567", tier: 1, registered_at: "2026-11-20T10:00:00Z", policy: acknowledged });
    case "/v1/me/acknowledgements":
      return ok(acknowledged);
    case "GET sessions": {
      const entry = { created_at: "2026-11-20T10:00:00Z", last_seen_at: new Date().toISOString(), expires_at: inMinutes(60) };
      const here = { session: "ses_1", browser: "Firefox", system: "Linux", current: true, ...entry };
      return ok({ sessions: [here, { ...here, session: "ses_2", browser: "other", system: "Android", current: false }] });
    }
    case "GET balances":
      return ok({ balances: account.balances(), sequence: 1 });
    case "GET orders": {
      const open = url.searchParams.get("status") === "open";
      const symbol = url.searchParams.get("symbol");
      return page(account.orders.filter((order) => (!open || order.status === "new") && (!symbol || order.symbol === symbol)), "orders", url);
    }
    case "POST orders":
      return id === "oco" ? account.placeOco(body) : account.place(body);
    case "DELETE orders":
      return account.cancel(last);
    case "GET trades":
      return page(account.fills, "trades", url);
    case "GET ledger": {
      const asset = url.searchParams.get("asset");
      return page(account.entries.filter((entry) => !asset || entry.asset === asset), "entries", url);
    }
    case "GET account": {
      const at = new Date().toISOString();
      if (id === "balances") return ok({ balances: account.balances(), sequence: 4711, at });
      const asset = url.searchParams.get("asset");
      const assets = account.balances().map((balance) => {
        const entries = account.entries.filter((entry) => entry.asset === balance.asset);
        return { ...balance, opening: "0.00000000", closing: balance.total, entries };
      });
      const asked = assets.filter((row) => !asset || row.asset === asset);
      return ok({ account: "1007", first_sequence: 1, last_sequence: 4711, at, settled: false, assets: asked });
    }
    case "POST deposits":
      return account.start("deposit", body);
    case "GET deposits":
      return id ? one(account.deposits, "deposit") : ok({ deposits: account.deposits });
    case "POST withdrawals":
      return last === "cancel" ? account.cancelWithdrawal(id) : account.start("withdrawal", body);
    case "GET withdrawals":
      return id ? one(account.withdrawals, "withdrawal") : ok({ withdrawals: account.withdrawals });
    case "GET api-keys":
      return ok({ keys: account.keys });
    case "POST api-keys": {
      const key = { key: "MOCKKEY".repeat(9).slice(0, 64), label: body.label, type: body.type, permissions: body.permissions, created_at: new Date().toISOString(), last_used_at: null };
      account.keys = [...account.keys, key];
      return ok(body.type === "hmac" ? { ...key, secret: "MOCKSECRET".repeat(7).slice(0, 64) } : key, 201);
    }
    case "DELETE api-keys":
      account.keys = account.keys.filter((key) => key.key !== id);
      return { status: 204 };
    default:
      return null;
  }
}

const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();

async function readBody(request: IncomingMessage): Promise<Row> {
  let text = "";
  for await (const part of request) text += String(part);
  try {
    return JSON.parse(text || "{}") as Row;
  } catch {
    return {};
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, next: () => void): Promise<void> {
  const url = new URL(request.url ?? "/", "http://mock");
  const own = /^\/(v1|api|health|dev|mock\/pay)(\/|$|\?)/.test(`${url.pathname}`) && !url.pathname.endsWith(".ts");
  if (!own) return next();
  const signedIn = (request.headers.cookie ?? "").includes("mock_session=1");
  const body = request.method === "POST" ? await readBody(request) : {};
  const found = publicAnswer(url) ?? payPage(url) ?? ownAnswer(request.method ?? "GET", url, body, signedIn) ?? problem(404, "not_found", "There is nothing at this address.");
  const { status, body: json, cookie, html } = found as Answer;
  response.statusCode = status;
  response.setHeader("Content-Security-Policy", contentSecurityPolicy);
  if (cookie) response.setHeader("Set-Cookie", cookie);
  if (status === 303) response.setHeader("Location", html ?? "/");
  response.setHeader("Content-Type", html ? "text/html; charset=utf-8" : status >= 400 ? "application/problem+json" : "application/json");
  response.end(html ?? (json === undefined ? "" : JSON.stringify(json)));
}

function listen(server: Server): void {
  const sockets = new WebSocketServer({ noServer: true });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, first: Buffer) => {
    const path = new URL(request.url ?? "/", "http://mock").pathname;
    if (path !== "/ws" && path !== "/v1/stream") return;
    sockets.handleUpgrade(request, socket, first, (opened) => (path === "/ws" ? watch(opened) : follow(opened)));
  });
  setInterval(() => {
    const emit = (stream: string, event: unknown) => {
      for (const [socket, streams] of watchers) if (streams.has(stream)) socket.send(JSON.stringify(event));
    };
    for (const market of world.values()) market.step(emit);
  }, 300).unref();
}

function watch(socket: WebSocket): void {
  const streams = new Set<string>();
  watchers.set(socket, streams);
  socket.on("close", () => watchers.delete(socket));
  socket.on("message", (data) => {
    const { method, params = [], id } = JSON.parse(String(data)) as { method: string; params?: string[]; id: number };
    for (const stream of params) method === "SUBSCRIBE" ? streams.add(stream) : streams.delete(stream);
    socket.send(JSON.stringify({ result: method === "LIST_SUBSCRIPTIONS" ? [...streams] : null, id }));
  });
}

function follow(socket: WebSocket): void {
  own.add(socket);
  socket.on("close", () => own.delete(socket));
  socket.send(JSON.stringify({ type: "hello", sequence: 1 }));
}

export function mock(): Plugin {
  const middleware = (request: IncomingMessage, response: ServerResponse, next: () => void) => void answer(request, response, next);
  return {
    name: "ensoex-mock",
    configureServer(server) {
      server.middlewares.use(middleware);
      if (server.httpServer) listen(server.httpServer as Server);
    },
    configurePreviewServer(server) {
      server.middlewares.use((_, response, next) => {
        response.setHeader("Content-Security-Policy", contentSecurityPolicy);
        next();
      });
      server.middlewares.use(middleware);
      listen(server.httpServer as Server);
    },
    transformIndexHtml(html, context) {
      return context.server ? html.replace("<title>EnsoEx</title>", "<title>EnsoEx (mock)</title>") : html;
    },
  };
}
