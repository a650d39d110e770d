/**
 * Looks at every page: `node tools/screenshots.mjs BASE_URL FOLDER [name filter]`, both sizes, both themes.
 * Signs in with EMAIL and PASSWORD (the mock takes any) and reports errors of the console and wide pages.
 */
import { mkdir } from "node:fs/promises";
import { chromium } from "playwright-core";

const [base = "http://127.0.0.1:4173", folder = "screenshots", filter = ""] = process.argv.slice(2);
const sizes = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };
const themes = ["light", "dark"];
const language = process.env.LANGUAGE_OF_PAGE ?? "en-GB";
const anonymous = {
  home: "/",
  market: "/market/BTCEUR",
  documents: "/documents",
  terms: "/documents/terms",
  privacy: "/documents/privacy",
  glossary: "/documents/glossary",
  "what-we-hold": "/what-we-hold",
  "how-we-keep-it": "/how-we-keep-it",
  status: "/status",
  register: "/register",
  codes: "/register?registration=reg_mock",
  "sign-in": "/sign-in?next=%2Fwallet",
  missing: "/nowhere",
  "unknown-market": "/market/DOGEEUR",
};
const signedIn = {
  "in-home": "/",
  "in-market": "/market/BTCEUR",
  wallet: "/wallet",
  statement: "/statement?at=2026-11-21T12%3A00",
  deposit: "/deposit",
  withdraw: "/withdraw",
  orders: "/orders",
  history: "/orders?view=history",
  trades: "/orders?view=trades",
  "api-keys": "/api-keys",
  "my-data": "/my-data",
  "my-data-erase": "/my-data/erase",
  "my-data-erased": "/erased/00",
};

await mkdir(folder, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

async function shoot(page, name, path, label) {
  if (filter && !name.includes(filter)) return;
  if (path !== null) await page.goto(base + path);
  await page.waitForTimeout(900);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (wide > 0) console.log(`${name} ${label}: ${wide} px too wide`);
  await page.screenshot({ path: `${folder}/${name}-${label}.png`, fullPage: true });
}

for (const [size, viewport] of Object.entries(sizes))
  for (const colorScheme of themes) {
    const label = `${size}-${colorScheme}`;
    const context = await browser.newContext({ viewport, colorScheme, locale: language, hasTouch: size === "phone" });
    const page = await context.newPage();
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") console.log(`${label} ${page.url()}: ${message.text()}`);
    });
    page.on("pageerror", (error) => console.log(`${label} ${page.url()}: ${error.message}`));
    for (const [name, path] of Object.entries(anonymous)) await shoot(page, name, path, label);
    await page.goto(`${base}/sign-in`);
    await page.locator("input[type=email]").fill(process.env.EMAIL ?? "anna@example.org");
    await page.locator("input[type=password]").fill(process.env.PASSWORD ?? "correct horse battery staple");
    await page.locator("main button[type=submit]").click();
    await page.waitForURL("**/wallet");
    for (const [name, path] of Object.entries(signedIn)) await shoot(page, name, path, label);
    await context.close();
  }
await browser.close();
