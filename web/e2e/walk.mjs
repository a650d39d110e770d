/**
 * Walks the demo as a person would, in headless Chromium: look, register, replenish (approved, declined, 3-D Secure), exchange,
 * make an API key, withdraw (paid, another card refused, canceled), ask for a human, look at one's own data, correct, restrict, object and erase it. Fails on the first thing that is not so.
 *
 *   node e2e/walk.mjs --demo-json DIR/demo.json [--shots FOLDER]
 */
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
const origins = [demo.service.url, demo.pay.url, demo.cardnet.url].map((url) => new URL(url).port);

let passed = 0;
function check(holds, what) {
  if (!holds) throw new Error(`not so: ${what}`);
  passed += 1;
  console.log(`ok  ${what}`);
}

const browser = await launch();
const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1440, height: 900 } });
context.setDefaultTimeout(20_000);
const page = await context.newPage();
const faults = [];
const foreign = [];
page.on("pageerror", (error) => faults.push(`${page.url()}: ${error.message}`));
page.on("console", (message) => {
  const text = message.text();
  // A refused request is logged by the browser itself; the page's own answer to it is what is checked here.
  if (message.type() === "error" && !text.startsWith("Failed to load resource")) faults.push(`${page.url()}: ${text}`);
});
page.on("request", (request) => {
  const url = new URL(request.url());
  if (["http:", "https:", "ws:", "wss:"].includes(url.protocol) && !origins.includes(url.port)) foreign.push(request.url());
});

let shot = 0;
async function picture(name) {
  if (!shots) return;
  shot += 1;
  await page.screenshot({ path: `${shots}/${String(shot).padStart(2, "0")}-${name}.png`, fullPage: true });
}
const main = page.getByRole("main");
const button = (name) => page.getByRole("button", { name, exact: true });
async function messageTo(address) {
  for (let tries = 0; tries < 50; tries += 1) {
    const { messages } = await (await fetch(`${base}/dev/messages.json`)).json();
    const found = messages.find((message) => message.to === address && message.code);
    if (found) return found.code;
    await page.waitForTimeout(100);
  }
  throw new Error(`no code was sent to ${address}`);
}
async function balance(asset) {
  return page.evaluate(async (code) => {
    const { balances } = await (await fetch("/v1/balances")).json();
    return balances.find((entry) => entry.asset === code);
  }, asset);
}

// 1. Look, anonymously.
await page.goto(base);
await page.getByRole("link", { name: /BTC/ }).first().waitFor();
check((await page.getByRole("row").count()) >= 4, "the home page lists three markets");
await picture("home");
await page.goto(`${base}/market/BTCEUR`);
await page.getByText("Order book").first().waitFor();
await page.locator("canvas").first().waitFor();
await page.waitForTimeout(2_000);
check((await page.getByRole("button", { name: /^Use price/ }).count()) >= 4, "the order book is live");
await picture("market");
check((await context.cookies()).length === 0, "not one cookie after looking around");
const stored = await page.evaluate(() => localStorage.length + sessionStorage.length + document.cookie.length);
check(stored === 0, "nothing is stored in the visitor's browser");
const workers = await page.evaluate(async () => (await navigator.serviceWorker?.getRegistrations())?.length ?? 0);
check(workers === 0, "no service worker");

// 2. Register.
const mark = Date.now().toString(36);
const person = {
  email: `walker-${mark}@example.org`,
  phone: `+38067${String(Date.now()).slice(-7)}`,
  password: `four quiet words ${mark}`,
};
await page.goto(`${base}/register`);
await page.getByLabel("E-mail", { exact: true }).fill(person.email);
await page.getByLabel("Mobile phone", { exact: true }).fill(person.phone);
await page.getByLabel("Password", { exact: true }).fill("too short");
await page.getByRole("checkbox").check();
await button("Create account").click();
check(await page.locator("[aria-invalid=true]").first().isVisible(), "a weak password is refused at its field");
await page.getByLabel("Password", { exact: true }).fill(person.password);
await picture("register");
await button("Create account").click();
await page.getByLabel("Code from the e-mail").waitFor();
await page.getByLabel("Code from the e-mail").fill("000000");
await page.getByLabel("Code from the text message").fill("000000");
await button("Confirm").click();
await page.getByRole("alert").first().waitFor();
check(true, "wrong codes are refused in words");
await picture("codes");
await page.getByLabel("Code from the e-mail").fill(await messageTo(person.email));
await page.getByLabel("Code from the text message").fill(await messageTo(person.phone));
await button("Confirm").click();
await page.getByText("Your account is ready").waitFor();
check((await context.cookies()).every((cookie) => cookie.httpOnly && cookie.sameSite === "Strict"), "the session cookie is HttpOnly and Strict");
await picture("ready");
const [receipt] = await Promise.all([
  page.waitForEvent("download"),
  page.getByRole("link", { name: "Download the receipt of your acceptance" }).click(),
]);
const signed = JSON.parse(await readFile(await receipt.path(), "utf8"));
check(JSON.stringify(signed).includes("sha256:") && signed.signature, "the receipt of the acceptance is signed");

// 3. Replenish.
async function startDeposit(amount) {
  await page.goto(`${base}/deposit`);
  await page.getByLabel("Amount", { exact: true }).fill(amount);
  await button("Continue to EnsoExPAY").click();
  await page.waitForURL(`${new URL(demo.pay.url).origin}/**`);
}
async function fillCard(number) {
  const another = page.locator("#new-card");
  if (await another.count()) await another.check();
  await page.getByLabel("Card number").fill(number);
  await page.locator("#expiry").fill("12 / 34");
  if (await page.locator("#cvc").count()) await page.locator("#cvc").fill("123");
}
const payButton = () => page.locator("form button[type=submit]").last();

await startDeposit("1000");
check((await page.locator("script[src]").evaluateAll((all) => all.map((one) => one.src))).every((src) => src.startsWith(new URL(demo.pay.url).origin)), "EnsoExPAY's page runs no script of others");
await picture("pay");
await fillCard("4000 0000 0000 0002");
await payButton().click();
await page.getByRole("alert").first().waitFor();
check(new URL(page.url()).port === new URL(demo.pay.url).port, "a decline keeps the person at EnsoExPAY, with a reason");
await picture("pay-declined");
await fillCard("4242 4242 4242 4242");
await payButton().click();
await page.waitForURL(`${base}/deposit/**`);
await main.getByText("The money is in your account.").waitFor();
check(true, "another card is approved, and the page says so by itself");
await picture("deposit-credited");
check((await balance("EUR")).available === "1000.00000000", "1,000 EUR are credited");
await page.reload();
await main.getByText("The money is in your account.").waitFor();
await page.goBack();
await page.waitForTimeout(1_500);
await page.goto(`${base}/wallet`);
check((await balance("EUR")).available === "1000.00000000", "reload and back credit nothing twice");

await startDeposit("500");
await fillCard("4000 0000 0000 3220");
await payButton().click();
await page.waitForURL(`${new URL(demo.cardnet.url).origin}/**`);
await picture("challenge");
await page.locator("#code").fill((await page.locator(".demo .code").innerText()).trim());
await page.locator("button[value=confirm]").click();
await page.waitForURL(`${base}/deposit/**`);
await main.getByText("The money is in your account.").waitFor();
check((await balance("EUR")).available === "1500.00000000", "a 3-D Secure challenge is passed and credited");

// 4. Exchange.
await page.goto(`${base}/market/BTCEUR`);
const form = page.getByRole("form", { name: /^Trade BTC/ });
await form.getByLabel("Price", { exact: true }).fill("20000.00");
await form.getByLabel("Quantity", { exact: true }).fill("0.005");
await picture("order-form");
await form.getByRole("button", { name: "Place buy order" }).click();
await page.getByRole("button", { name: /^Cancel order/ }).first().waitFor();
check((await balance("EUR")).held === "100.00000000", "a limit order rests and holds exactly its money");
const { bids } = await (await fetch(`${base}/api/v3/depth?symbol=BTCEUR&limit=5000`)).json();
check(bids.some(([price]) => Number(price) === 20000), "it is seen in the public book");
await page.getByRole("button", { name: /^Cancel order/ }).first().click();
const confirm = page.getByRole("dialog").getByRole("button", { name: /Cancel order|Confirm/ });
if (await confirm.count()) await confirm.first().click();
await page.waitForFunction(async () => {
  const { balances } = await (await fetch("/v1/balances")).json();
  return balances.find((entry) => entry.asset === "EUR").held === "0.00000000";
});
check((await balance("EUR")).available === "1500.00000000", "cancelled, everything is available again");
await form.getByText("Market", { exact: true }).click();
await form.getByLabel("Quantity", { exact: true }).fill("0.002");
await form.getByRole("button", { name: "Place buy order" }).click();
const dialog = page.getByRole("dialog");
await dialog.waitFor();
await picture("market-order");
await dialog.getByRole("button", { name: "Place buy order" }).click();
await page.getByText(/^Filled/).first().waitFor();
check((await balance("BTC")).available === "0.00199600", "a market order fills against the traders; the fee is exact");
await page.goto(`${base}/orders?view=trades`);
await main.getByRole("row").nth(1).waitFor();
await picture("trades");
await page.goto(`${base}/orders?view=history`);
await main.getByRole("row").nth(1).waitFor();
check((await main.getByRole("row").count()) >= 3, "both orders are in the history");
await picture("history");

// 5. An API key.
await page.goto(`${base}/api-keys`);
await page.getByLabel("Name", { exact: true }).fill("walk");
await page.getByRole("radio", { name: /HMAC/ }).check();
await button("Create key").click();
await page.getByText("The key is ready").waitFor();
check(await page.getByText("This is the only time the secret is shown").isVisible(), "an HMAC key shows its secret once");
await picture("api-key");

// 6. Withdraw.
async function startWithdrawal(amount) {
  await page.goto(`${base}/withdraw`);
  await page.getByLabel("Amount", { exact: true }).fill(amount);
  await button("Continue to EnsoExPAY").click();
  await page.waitForURL(`${new URL(demo.pay.url).origin}/**`);
}
const before = await (async () => {
  await page.goto(`${base}/wallet`);
  return (await balance("EUR")).available;
})();
await picture("wallet");
await startWithdrawal("200");
await picture("payout");
await fillCard("4242 4242 4242 4242");
await payButton().click();
await page.waitForURL(`${base}/withdraw/**`);
await main.getByText("The money was paid to your card.").waitFor();
const less = (amount, minus) => (Number(amount) - minus).toFixed(8);
check((await balance("EUR")).available === less(before, 200), "200 EUR are paid out to the card");
await picture("withdrawal-paid");
await startWithdrawal("100");
await fillCard("4000 0000 0000 9995");
await payButton().click();
await page.getByText("That much was not paid in with this card").waitFor();
check(true, "new money goes back to a card that it came from, and to no other");
await picture("payout-another-card");
await page.goto(`${base}/withdraw`);
await page.getByRole("link").filter({ has: page.locator("time") }).first().click();
await main.getByText(/goes back to that card first/).waitFor();
await picture("withdrawal-held");
await button("Cancel withdrawal").click();
await main.getByText(/available in your account again/).first().waitFor();
check((await balance("EUR")).available === less(before, 200), "a canceled withdrawal gives the money back once");
await picture("withdrawal-canceled");
await page.goto(`${base}/my-data`);
await page.getByRole("button", { name: "Ask for a person" }).first().click();
await main.getByRole("group", { name: "What you asked for" }).getByText("a person looks at an automated decision").waitFor();
check(true, "whoever is not simply let through asks for a person");
await picture("decisions");

// Their own data.
await page.goto(`${base}/my-data`);
await button("Show my profile").click();
await main.getByText(person.email).waitFor();
check(true, "a person sees their own data and who read it");
await main.getByRole("heading", { name: "Given to others" }).waitFor();
await main.getByText("the amount, the currency, random references").first().waitFor();
check(true, "and what was given to whom");
await page.getByRole("button", { name: "Change your e-mail address" }).click();
const correction = page.getByRole("dialog");
const changed = `walked-${mark}@example.org`;
await correction.getByLabel("New e-mail address").fill(changed);
await correction.getByLabel("Your password", { exact: true }).fill(person.password);
await correction.getByRole("button", { name: "Send the code" }).click();
await correction.getByLabel("Code", { exact: true }).fill(await messageTo(changed));
await correction.getByRole("button", { name: "Confirm" }).click();
await main.getByText(changed).waitFor();
check(true, "an e-mail address is corrected with a code to the new one");
await button("Restrict").click();
await main.getByText(/^Restricted since/).waitFor();
check(true, "the use of their data is restricted");
await button("Object").click();
await main.getByText("Your objection is registered.").first().waitFor();
const asked = main.getByRole("group", { name: "What you asked for" });
await asked.getByRole("row", { name: /Objection.*looking for fraud/ }).waitFor();
check(await asked.getByRole("row", { name: /Correction/ }).isVisible(), "what was asked for is listed with its deadline");
await button("Lift the restriction").click();
await button("Restrict").waitFor();
for (const name of ["Newsletter", "Statistics"]) {
  await page.getByRole("button", { name: `Agree: ${name}` }).click();
  await page.getByRole("button", { name: `Withdraw: ${name}` }).waitFor();
}
await page.getByRole("button", { name: "Withdraw: Statistics" }).click();
await page.getByRole("button", { name: "Agree: Statistics" }).waitFor();
const history = main.getByRole("group", { name: "What you agreed to and withdrew" });
check((await history.getByRole("row").count()) === 4, "consent is given and withdrawn with one click each, and each has its receipt");
await picture("my-data");
const [readable] = await Promise.all([
  page.waitForEvent("download"),
  page.getByRole("link", { name: "Download to read" }).click(),
]);
check((await readFile(await readable.path(), "utf8")).includes(changed), "everything can be read as a page");

// And leave.
await page.getByRole("link", { name: "Erase my data and close the account" }).click();
await main.getByText("Settle this first").waitFor();
await main.getByLabel("Your password", { exact: true }).fill(person.password);
check(await button("Erase my data for good").isDisabled(), "what is left in the account stands in the way of an erasure");
await picture("erase");
await page.getByRole("checkbox").check();
await button("Erase my data for good").click();
await main.getByText("Your data was erased").waitFor();
const [certificate] = await Promise.all([
  page.waitForEvent("download"),
  page.getByRole("link", { name: "Download the certificate" }).click(),
]);
const stated = JSON.parse(await readFile(await certificate.path(), "utf8"));
check(stated.statement.kind === "erasure" && stated.head.signature, "the certificate of the erasure is signed");
await picture("erased");
const session = await page.evaluate(async () => (await fetch("/v1/session")).json());
check(session.signed_in === false, "nobody is signed in any more");

check(foreign.length === 0, `no request left the three origins ${foreign.slice(0, 3)}`);
check(faults.length === 0, `no error in the browser's console ${faults.slice(0, 3)}`);
await browser.close();
console.log(`\n${passed} passed, 0 failed`);
