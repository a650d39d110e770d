/**
 * The browser of these walks: headless Chromium that speaks for the pages only. What the browser asks of its maker on its own
 * behalf (updates, accounts, forms) is switched off, and the maker's names are not looked up; a page that asks for one of
 * them is noticed all the same, because the walks look at every request of a page.
 */
import { chromium } from "playwright-core";

const makers = ["google.com", "googleapis.com", "gstatic.com", "gvt1.com"];
const unknown = makers.flatMap((name) => [`MAP ${name} ~NOTFOUND`, `MAP *.${name} ~NOTFOUND`]).join(", ");

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-default-apps",
      "--disable-domain-reliability",
      "--disable-sync",
      "--no-first-run",
      "--no-pings",
      `--host-resolver-rules=${unknown}`,
    ],
  });
