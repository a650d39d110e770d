/**
 * Visits every public page of a running demo in headless Chromium, signed in to nothing: follows all links, presses what only
 * shows something, and looks whether anything stays in the browser or anybody else is asked. First shows on a page of its own
 * that each kind of trace is noticed.
 *
 *   node e2e/crawl.mjs --demo-json DIR/demo.json
 */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { launch } from "./browser.mjs";

const option = (name) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
};
const demo = JSON.parse(await readFile(option("demo-json") ?? ".demo/demo.json", "utf8"));
const base = new URL(demo.service.url).origin;

/** Pages that the menu does not lead to, or only by a form. */
const SEEDS = ["/", "/status", "/register", "/sign-in", "/documents/terms", "/documents/privacy", "/documents/glossary",
  "/what-we-hold", "/how-we-keep-it", "/security", "/nothing-is-here", "/health", "/v1/markets", "/v1/policy", "/v1/openapi.json"];
const PAGES_MAX = 400;

const browser = await launch();

/** What the page left in the browser. */
const leftBehind = () =>
  Promise.all([
    Object.keys(localStorage).map((key) => `localStorage ${key}`),
    Object.keys(sessionStorage).map((key) => `sessionStorage ${key}`),
    indexedDB.databases().then((all) => all.map((one) => `IndexedDB ${one.name}`)),
    caches.keys().then((all) => all.map((name) => `cache ${name}`)),
    navigator.serviceWorker.getRegistrations().then((all) => all.map((one) => `service worker ${one.scope}`)),
    document.cookie ? [`document.cookie ${document.cookie}`] : [],
    navigator.storage.getDirectory().then(async (folder) => {
      const names = [];
      for await (const name of folder.keys()) names.push(`file ${name}`);
      return names;
    }),
  ]).then((kinds) => kinds.flat());

/** A browser of its own that writes down every trace. `own` are the origins that are not strangers. */
async function visitor(own) {
  const context = await browser.newContext({ locale: "en-GB", serviceWorkers: "allow" });
  context.setDefaultTimeout(20_000);
  const traces = new Set();
  const watch = (page) => {
    const note = (kind, address) => {
      const url = new URL(address);
      if (["data:", "blob:", "about:"].includes(url.protocol)) return;
      const origin = `${url.protocol.replace("ws", "http")}//${url.host}`;
      if (!own.includes(origin)) traces.add(`${kind} to ${url.origin}`);
    };
    page.on("request", (request) => note("request", request.url()));
    page.on("websocket", (socket) => note("socket", socket.url()));
    page.on("response", async (response) => {
      const headers = await response.allHeaders().catch(() => ({}));
      if (headers["set-cookie"]) traces.add(`header set-cookie at ${new URL(response.url()).pathname}`);
    });
  };
  context.on("page", watch);
  const look = async (page) => {
    for (const trace of await page.evaluate(leftBehind)) traces.add(trace);
    for (const cookie of await context.cookies()) traces.add(`cookie ${cookie.name}`);
  };
  return { context, traces, look };
}

/** A page that does all that ours must not do, served by a server of this test. */
async function control() {
  const page = `<!doctype html><title>control</title><script type="module">
    localStorage.setItem("planted", "1"); sessionStorage.setItem("planted", "1"); document.cookie = "planted=1";
    await new Promise((done) => { indexedDB.open("planted").onsuccess = done; });
    await caches.open("planted");
    await navigator.serviceWorker.register("/worker.js");
    await (await navigator.storage.getDirectory()).getFileHandle("planted", { create: true });
    await fetch("http://localhost:" + location.port + "/stranger", { mode: "no-cors" });
    document.title = "done";
  </script>`;
  const server = createServer((request, response) => {
    const script = request.url === "/worker.js";
    response.writeHead(200, { "content-type": script ? "text/javascript" : "text/html", "set-cookie": "fromserver=1" });
    response.end(script ? "" : page);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const origin = `http://127.0.0.1:${server.address().port}`;
  const { context, traces, look } = await visitor([origin]);
  const tab = await context.newPage();
  await tab.goto(origin);
  await tab.waitForFunction(() => document.title === "done");
  await look(tab);
  await context.close();
  server.close();
  const found = [...traces].join("\n");
  for (const kind of ["localStorage", "sessionStorage", "IndexedDB", "cache", "service worker", "document.cookie", "file",
    "cookie fromserver", "header set-cookie", "request to http://localhost"]) {
    if (!found.includes(kind)) throw new Error(`the control is not noticed: ${kind}\n${found}`);
  }
  console.log(`ok  control: ${traces.size} planted traces of ten kinds are noticed`);
}

const test = (name, body) =>
  body().then(
    () => console.log(`ok  ${name}`),
    (error) => {
      console.error(`${name}: ${error.message}`);
      process.exitCode = 1;
    },
  ).finally(() => browser.close());

// Mechanism: `crates/service/src/public.rs`
// Control: a page of the test that leaves a trace of each kind is noticed first.
test("clause_04_a_browser_that_visits_every_public_page_keeps_nothing", async () => {
  await control();
  const { context, traces, look } = await visitor([base]);
  const page = await context.newPage();
  const open = [...SEEDS];
  const seen = new Set(open);
  const visited = [];
  while (open.length > 0) {
    const path = open.shift();
    let answer;
    try {
      answer = await page.goto(base + path, { waitUntil: "load" });
    } catch (error) {
      // A file that the visitor takes along leaves the page where it is.
      if (!String(error).includes("Download is starting")) throw error;
      visited.push(path);
      await look(page);
      continue;
    }
    if (!answer) throw new Error(`${path} gives no answer`);
    visited.push(path);
    if ((answer.headers()["content-type"] ?? "").startsWith("text/html")) {
      // The page is drawn when its heading is there; what it asks for comes meanwhile.
      await page.waitForSelector("h1", { timeout: 20_000 }).catch(() => {});
      await page.waitForTimeout(300);
      const links = await page.$$eval("a[href]", (all) => all.map((link) => link.href));
      for (const link of links) {
        const url = new URL(link);
        const next = url.pathname + url.search;
        // A link to elsewhere (whose charts these are) asks for nothing until somebody follows it.
        if (url.origin === base && !seen.has(next) && !next.startsWith("/dev/") && !url.pathname.includes(".")) {
          seen.add(next);
          open.push(next);
        }
      }
      if (visited.length > PAGES_MAX) throw new Error(`more than ${PAGES_MAX} pages`);
    }
    await look(page);
  }
  // What a visitor may change by hand stays nowhere either.
  await page.goto(base);
  for (const name of [/Українська|UK/, /theme|dark|light|тема|темн|світл/i]) {
    const switches = await page.getByRole("button", { name }).all();
    for (const one of switches) await one.click({ timeout: 2_000 }).catch(() => {});
  }
  await look(page);
  await context.close();
  if (visited.length < SEEDS.length + 3) throw new Error(`only ${visited.length} pages were found: ${visited.join(" ")}`);
  if (traces.size > 0) throw new Error(`traces were left:\n${[...traces].join("\n")}`);
  console.log(`ok  ${visited.length} pages, no trace: ${visited.join(" ")}`);
});
