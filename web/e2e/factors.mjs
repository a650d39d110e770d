/**
 * The security of an account as a person sees it, in headless Chromium: an authenticator app is added, asked for at sign-in and
 * before what could harm, recovered from, and removed; sessions are seen and ended. Fails on the first thing that is not so.
 *
 *   node e2e/factors.mjs --demo-json DIR/demo.json [--shots FOLDER]
 */
import { createHmac } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { launch } from "./browser.mjs";

const option = (name) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
};
const demo = JSON.parse(await readFile(option("demo-json") ?? ".demo/demo.json", "utf8"));
const shots = option("shots");
if (shots) await mkdir(shots, { recursive: true });
const base = demo.service.url;

let passed = 0;
function check(holds, what) {
  if (!holds) throw new Error(`not so: ${what}`);
  passed += 1;
  console.log(`ok  ${what}`);
}

const browser = await launch();
const faults = [];
async function visitor() {
  const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1440, height: 900 } });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  page.on("pageerror", (error) => faults.push(`${page.url()}: ${error.message}`));
  page.on("console", (message) => {
    const text = message.text();
    if (message.type() === "error" && !text.startsWith("Failed to load resource")) faults.push(`${page.url()}: ${text}`);
  });
  return page;
}

let shot = 0;
/** In both themes and on a phone's width. */
async function picture(page, name) {
  if (!shots) return;
  shot += 1;
  const number = String(shot).padStart(2, "0");
  for (const [look, scheme, size] of [
    ["light", "light", { width: 1440, height: 900 }],
    ["dark", "dark", { width: 1440, height: 900 }],
    ["phone", "light", { width: 375, height: 812 }],
  ]) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize(size);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
    check(!wide, `${name}: nothing is wider than the ${look} screen`);
    await page.screenshot({ path: `${shots}/${number}-${name}-${look}.png`, fullPage: true });
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.emulateMedia({ colorScheme: "light" });
}

/** What an authenticator app shows for a secret (base 32), `steps` of 30 s from now (RFC 6238). */
function totp(secret, steps) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret].map((letter) => letters.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const mac = createHmac("sha1", key).update(step).digest();
  const number = mac.readUInt32BE(mac[19] % 16) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

const mark = Date.now().toString(36);
const person = {
  email: `careful-${mark}@example.org`,
  phone: `+38068${String(Date.now()).slice(-7)}`,
  password: `five quiet words again ${mark}`,
};
const button = (page, name) => page.getByRole("button", { name, exact: true });

/** Registers by the API, in the page's own session. */
async function register(page) {
  await page.goto(base);
  await page.evaluate(async ({ email, phone, password }) => {
    const send = async (path, body) => {
      const headers = { "Content-Type": "application/json", "EnsoEx-Client": "web" };
      return (await fetch(path, { method: "POST", headers, body: JSON.stringify(body) })).json();
    };
    const policy = await (await fetch("/v1/policy")).json();
    const { registration } = await send("/v1/registrations", { email, phone, password, policy_hash: policy.hash, locale: "en" });
    const { messages } = await (await fetch("/dev/messages.json")).json();
    const code = (to) => messages.find((message) => message.to === to && message.code).code;
    await send(`/v1/registrations/${registration}/confirm`, { email_code: code(email), phone_code: code(phone) });
  }, person);
}

async function typePassword(page) {
  await page.goto(`${base}/sign-in`);
  await page.getByLabel("E-mail", { exact: true }).fill(person.email);
  await page.getByLabel("Password", { exact: true }).fill(person.password);
  await button(page, "Sign in").click();
}

// An app is added, in a browser where the person is signed in; another browser was signed in before.
const page = await visitor();
await register(page);
const before = await visitor();
await typePassword(before);
await before.waitForURL(`${base}/wallet`);
await page.goto(`${base}/account-security`);
await page.getByText("Your password is all that protects your money").waitFor();
check((await page.getByRole("row").count()) === 3, "both sessions are listed");
await picture(page, "no-factor");
await button(page, "Add an authenticator app").click();
const dialog = page.getByRole("dialog");
const secret = (await dialog.locator("code").innerText()).trim();
check(/^[A-Z2-7]{32}$/.test(secret), "the secret can be typed");
await picture(page, "add-app");
await dialog.getByLabel("Code that the app shows").fill("000000");
await button(dialog, "Add the app").click();
await dialog.getByRole("alert").waitFor();
check(true, "a wrong code is refused in words");
await dialog.getByLabel("Code that the app shows").fill(totp(secret, -1));
await button(dialog, "Add the app").click();
await page.getByRole("heading", { name: "Recovery codes" }).first().waitFor();
const codes = await page.locator(".codes code").allInnerTexts();
check(codes.length === 10 && codes.every((code) => /^([a-z2-9]{5}-){2}[a-z2-9]{5}$/.test(code)), "ten recovery codes are shown");
await picture(page, "recovery-codes");
await button(page, "I have kept them").click();
await page.reload();
await page.getByText(/^In use since/).waitFor();
check((await page.locator(".codes").count()) === 0, "they are shown once");
await picture(page, "factor");

// The browser that knows only the password is asked before a key is made, and then it goes on by itself.
await before.goto(`${base}/api-keys`);
await before.getByLabel("Name", { exact: true }).fill("careful");
await before.getByRole("radio", { name: /HMAC/ }).check();
await button(before, "Create key").click();
const asked = before.getByRole("dialog", { name: "Is it you?" });
await asked.waitFor();
await picture(before, "step-up");
await asked.getByLabel("Code of your authenticator app").fill("000000");
await button(asked, "Confirm").click();
await asked.getByRole("alert").waitFor();
const used = totp(secret, 0);
await asked.getByLabel("Code of your authenticator app").fill(used);
await button(asked, "Confirm").click();
await before.getByText("The key is ready").waitFor();
check(true, "a key is made only after a code of the app");

// Signing in takes both.
await page.evaluate(() => fetch("/v1/session", { method: "DELETE", headers: { "EnsoEx-Client": "web" } }));
await typePassword(page);
await page.getByRole("heading", { name: "The second step" }).waitFor();
await picture(page, "second-step");
check((await page.context().cookies()).every((cookie) => cookie.value === ""), "the password alone gives no session");
await page.getByLabel("Code of your authenticator app").fill(used);
await button(page, "Sign in").click();
await page.getByRole("alert").waitFor();
check(true, "a code that was used is refused");
await button(page, "Use a recovery code instead").click();
await page.getByLabel("Recovery code").fill(codes[0]);
await button(page, "Sign in").click();
await page.waitForURL(`${base}/wallet`);
check(true, "a recovery code lets its owner in");
await page.goto(`${base}/account-security`);
await page.getByText("9 recovery codes are left.").waitFor();

// Elsewhere is signed out.
await button(page, "Sign out everywhere else").click();
await page.getByText("1 other session is signed out.").waitFor();
await before.goto(`${base}/wallet`);
await before.waitForURL(/\/sign-in/);
check(true, "another browser is signed out from here");

// And the app is removed.
await button(page, "Remove the app").click();
await page.getByRole("dialog").getByRole("button", { name: "Remove the app" }).click();
await page.getByText("Your password is all that protects your money").waitFor();
await typePassword(before);
await before.waitForURL(`${base}/wallet`);
check(true, "without a factor the password signs in again");

// A passkey, in a device that the browser plays: it signs in alone, and is a proof.
const cdp = await page.context().newCDPSession(page);
await cdp.send("WebAuthn.enable");
const options = {
  protocol: "ctap2",
  transport: "internal",
  hasResidentKey: true,
  hasUserVerification: true,
  isUserVerified: true,
  automaticPresenceSimulation: true,
};
const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", { options });
await page.goto(`${base}/account-security`);
await button(page, "Add a passkey").click();
const naming = page.getByRole("dialog", { name: "Add a passkey" });
await naming.getByLabel("Name").fill("Played device");
await button(naming, "Make the passkey").click();
await page.getByRole("heading", { name: "Recovery codes" }).first().waitFor();
await button(page, "I have kept them").click();
await page.getByText("Played device").first().waitFor();
const { credentials } = await cdp.send("WebAuthn.getCredentials", { authenticatorId });
check(credentials.length === 1 && credentials[0].isResidentCredential, "a passkey is made, and found without a name");
await picture(page, "passkeys");
await page.getByRole("button", { name: "Rename Played device" }).click();
const renaming = page.getByRole("dialog");
await renaming.getByLabel("Name").fill("Another name");
await button(renaming, "Rename").click();
await page.getByText("Another name").first().waitFor();
check(true, "it is renamed");
await page.evaluate(() => fetch("/v1/session", { method: "DELETE", headers: { "EnsoEx-Client": "web" } }));
await page.goto(`${base}/sign-in`);
await picture(page, "sign-in");
await button(page, "Sign in with a passkey").click();
await page.waitForURL(`${base}/wallet`);
check(true, "the passkey signs in without a word");
await page.evaluate(() => fetch("/v1/session", { method: "DELETE", headers: { "EnsoEx-Client": "web" } }));
await typePassword(page);
await page.getByRole("heading", { name: "The second step" }).waitFor();
await picture(page, "second-step-passkey");
await button(page, "Use a passkey").click();
await page.waitForURL(`${base}/wallet`);
check(true, "and is the second step after the password");
await before.goto(`${base}/api-keys`);
await before.getByLabel("Name", { exact: true }).fill("without");
await before.getByRole("radio", { name: /HMAC/ }).check();
await button(before, "Create key").click();
await before.getByRole("dialog", { name: "Is it you?" }).waitFor();
await picture(before, "step-up-passkey");
await before.keyboard.press("Escape");
await before.getByText("Nothing was changed: we need to know first that it is you.").waitFor();
check(true, "who has no passkey and turns the question down gets no key");
await page.goto(`${base}/account-security`);
await page.getByRole("button", { name: "Remove Another name" }).click();
await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
await page.getByText("Your password is all that protects your money").waitFor();
await page.evaluate(() => fetch("/v1/session", { method: "DELETE", headers: { "EnsoEx-Client": "web" } }));
await page.goto(`${base}/sign-in`);
await button(page, "Sign in with a passkey").click();
await page.getByText("This passkey is not known here.").waitFor();
check(true, "a removed passkey signs nobody in");

check(faults.length === 0, `no error in the browser's console ${faults.slice(0, 3)}`);
await browser.close();
console.log(`\n${passed} passed, 0 failed`);
