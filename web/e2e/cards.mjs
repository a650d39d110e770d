/**
 * Types a card number, in eight disguises, into every field of every form of the running demo's pages, in headless Chromium, and
 * then looks for it: in what the Service answered, in its files and logs, in a backup of it and in what is restored from that, and in
 * its memory.
 *
 *   node e2e/cards.mjs --demo-json DIR/demo.json [--ensoex PROGRAM]
 *
 * Must run as who may read the Service's memory (root, or its owner where the system allows it).
 */
import { spawnSync } from "node:child_process";
import { mkdtemp, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { launch } from "./browser.mjs";

const option = (name, usual) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? usual : process.argv[at + 1];
};
const demoFile = option("--demo-json", ".demo/demo.json");
const program = option("--ensoex", fileURLToPath(new URL("../../target/release/ensoex", import.meta.url)));
const demo = JSON.parse(await readFile(demoFile, "utf8"));
const base = demo.service.url;
const folders = ["service", "logs"].map((name) => join(dirname(demoFile), name));

/** A number with a right check digit that stands whole in no file of the project's pages. */
const groups = ["4716", "3916", "5280", "4733"];
const number = groups.join("");
const digits = (zero) => [...number].map((digit) => String.fromCodePoint(zero + Number(digit))).join("");
const disguises = [
  number,
  groups.join(" "),
  groups.join("-"),
  groups.join("\u00a0.\u200b"),
  digits(0xff10),
  digits(0x660),
  `my card: ${number}!`,
  [...number].join("\u200d"),
];
/** What is looked for: each disguise, in UTF-8 and as JSON and addresses escape it. */
const needles = [...new Set(disguises.slice(0, 6).flatMap((text) => [text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text)]))].map((text) =>
  Buffer.from(text),
);
const holds = (bytes) => needles.some((needle) => bytes.includes(needle));

function check(is, what) {
  if (!is) throw new Error(`not so: ${what}`);
  console.log(`ok  ${what}`);
}

const browser = await launch();
const context = await browser.newContext({ locale: "en-GB" });
context.setDefaultTimeout(10_000);
const page = await context.newPage();
const answers = [];
let refused = 0;
page.on("response", async (response) => {
  if (!response.url().startsWith(base)) return;
  const body = await response.body().catch(() => Buffer.alloc(0));
  answers.push({ url: response.url(), body });
  if (response.status() === 400 && /card_number|-1100/.test(body.toString())) refused += 1;
});

const inside = (where) => page.locator(`${where} input:visible:enabled, ${where} textarea:visible:enabled`);
/** What stands in the other fields meanwhile, so that the form is sent. */
const usual = { email: "cards@example.org", tel: "+380441234567", password: "a long enough password" };

async function show(path, buttons, wait) {
  await page.goto(base + path);
  await page.waitForTimeout(wait);
  for (const name of buttons) {
    await page.getByRole("button", { name, exact: true }).click({ timeout: 5000 });
    await page.waitForTimeout(wait);
  }
}

/** Into each field of a page, or of the dialog behind buttons of it. */
async function type(path, buttons = []) {
  const fields = () => inside(buttons.length > 0 ? "main dialog" : "main");
  await show(path, buttons, 800);
  const count = await fields().count();
  if (buttons.length > 0) check(count > 0, `a form stands behind "${buttons.at(-1)}"`);
  let typed = 0;
  for (let field = 0; field < count; field += 1) {
    const kind = (await fields().nth(field).getAttribute("type").catch(() => null)) ?? "text";
    if (["checkbox", "radio", "file", "range"].includes(kind)) continue;
    for (const disguise of disguises) {
      if (new URL(page.url()).pathname !== path || (await fields().count()) < count) await show(path, buttons, 300);
      for (let other = 0; other < (await fields().count()); other += 1) {
        const entry = fields().nth(other);
        const type = (await entry.getAttribute("type").catch(() => null)) ?? "text";
        if (type === "checkbox") await entry.check({ timeout: 500 }).catch(() => {});
        else if (other !== field && type !== "radio") await entry.fill(usual[type] ?? "10", { timeout: 500 }).catch(() => {});
      }
      const one = fields().nth(field);
      // A field may take only what it is for; then there is nothing to send.
      await one.fill(disguise, { timeout: 500 }).catch(() => {});
      await one.press("Enter", { timeout: 500 }).catch(() => {});
      await page.waitForTimeout(120);
      typed += 1;
    }
  }
  return typed;
}

let typed = 0;
for (const path of ["/register", "/sign-in"]) typed += await type(path);
await page.goto(base);
const signedIn = await page.evaluate(async ({ email, password }) => {
  const headers = { "Content-Type": "application/json", "EnsoEx-Client": "web" };
  return (await fetch("/v1/session", { method: "POST", headers, body: JSON.stringify({ email, password }) })).status;
}, demo.user);
check(signedIn === 200, "the demo's user is signed in");
for (const path of ["/market/BTCEUR", "/deposit", "/withdraw", "/api-keys", "/my-data", "/orders", "/wallet", "/my-data/erase"]) typed += await type(path);
for (const contact of ["e-mail address", "phone number"]) typed += await type("/my-data", ["Show my profile", `Change your ${contact}`]);
for (const button of ["Change the password", "Add an authenticator app", "Add a passkey"]) typed += await type("/account-security", [button]);
check(typed >= 8 * 17, `typed into ${typed / 8} fields, each in eight disguises`);
check(refused > 0, `the Service refused ${refused} requests for a card number`);
await page.waitForTimeout(500);
const told = answers.filter(({ url, body }) => holds(body) || holds(Buffer.from(url)) && !url.includes("/v1/"));
check(told.length === 0, `none of ${answers.length} answers repeats it`);
await browser.close();

async function filesWith(folder) {
  const found = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) found.push(...(await filesWith(path)));
    else if (entry.isFile() && holds(await readFile(path))) found.push(path);
  }
  return found;
}

async function memoryHolds(pid) {
  const maps = (await readFile(`/proc/${pid}/maps`, "utf8")).split("\n");
  const memory = await open(`/proc/${pid}/mem`);
  const overlap = 256;
  let read = 0;
  try {
    for (const line of maps) {
      const [range, rights] = line.split(" ");
      if (!rights?.startsWith("rw")) continue;
      const [from, to] = range.split("-").map((address) => Number.parseInt(address, 16));
      for (let here = from; here < to; here += 1 << 20) {
        const piece = Buffer.alloc(Math.min((1 << 20) + overlap, to - here));
        const { bytesRead } = await memory.read(piece, 0, piece.length, here).catch(() => ({ bytesRead: 0 }));
        read += bytesRead;
        if (holds(piece.subarray(0, bytesRead))) return true;
      }
    }
  } finally {
    await memory.close();
  }
  if (read < 1 << 20) throw new Error(`the memory of process ${pid} was not read`);
  return false;
}

for (const folder of folders) {
  check((await filesWith(folder)).length === 0, `no file below ${folder} has it`);
  const planted = join(folder, "planted");
  await writeFile(planted, `card ${disguises[4]}`);
  check((await filesWith(folder)).length === 1, "control: a planted one is found");
  await rm(planted);
}
/** Runs the command line of the Service; answers its exit code and what it said. */
function ensoex(...args) {
  const ran = spawnSync(program, args, { encoding: "utf8" });
  if (ran.error) throw ran.error;
  return { code: ran.status, said: ran.stdout + ran.stderr };
}
function done(...args) {
  const { code, said } = ensoex(...args);
  if (code !== 0) throw new Error(`ensoex ${args[0]} ended with ${code}: ${said}`);
  return said;
}

const away = await mkdtemp(join(tmpdir(), "ensoex-cards-"));
try {
  const [identity, backup, restored, only] = ["identity", "backup", "restored", "numbers"].map((name) => join(away, name));
  await writeFile(only, `${number}\n`);
  const recipient = /age1[0-9a-z]+/.exec(done("backup", "new-identity", identity))[0];
  done("backup", "--data", dirname(demoFile), "--to", backup, "--recipient", recipient);
  done("restore", "--from", backup, "--identity", identity, "--to", restored);
  for (const [name, folder] of [["the backup", backup], ["what is restored from it", restored]]) {
    const count = (await readdir(folder, { recursive: true })).length;
    check(count > 3, `${name} has ${count} files and folders`);
    check((await filesWith(folder)).length === 0, `${name} does not have it`);
    const clean = ensoex("scan-cards", "--only", only, folder);
    check(clean.code === 0, `ensoex scan-cards finds none in ${name}`);
    await writeFile(join(folder, "planted"), `card ${disguises[4]}`);
    const planted = ensoex("scan-cards", "--only", only, folder);
    check(planted.code === 1 && planted.said.includes("planted"), "control: a planted one is found");
  }
} finally {
  await rm(away, { recursive: true, force: true });
}

let left = true;
for (let tries = 0; left && tries < 50; tries += 1) {
  left = await memoryHolds(demo.service.pid);
  if (left) await new Promise((resolve) => setTimeout(resolve, 100));
}
check(!left, "the Service's memory does not have it");
check(await memoryHolds(process.pid), "control: this process's own memory has it");
