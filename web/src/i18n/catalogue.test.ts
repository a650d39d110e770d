import { describe, expect, test } from "vitest";
import { Problem } from "../api/http.ts";
import { en } from "./en.ts";
import { fill, named, problemText } from "./problem.ts";
import { uk } from "./uk.ts";

/** Every text of a catalogue under its path; functions are called with plain words. */
function texts(node: unknown, path = ""): [string, string][] {
  if (typeof node === "string") return [[path, node]];
  if (typeof node === "function") return [[path, String((node as (...values: unknown[]) => string)("7", "8"))]];
  return Object.entries(node as object).flatMap(([key, value]) => texts(value, path ? `${path}.${key}` : key));
}

const placeholders = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();
const english = new Map(texts(en));
const ukrainian = new Map(texts(uk));

describe("the catalogues", () => {
  test("have the same keys", () => expect([...ukrainian.keys()].sort()).toEqual([...english.keys()].sort()));

  test("have the same placeholders", () => {
    for (const [path, text] of english) expect([path, placeholders(ukrainian.get(path) ?? "")]).toEqual([path, placeholders(text)]);
  });

  test("leave nothing empty but what says nothing on purpose", () => {
    for (const catalogue of [english, ukrainian])
      for (const [path, text] of catalogue) if (path !== "market.stateText.trading") expect([path, text.trim()]).not.toEqual([path, ""]);
  });

  test("Ukrainian is Ukrainian: no text of letters is left in English", () => {
    const names = /\/[a-z-]+(\/[a-z]+)?|EnsoEx|PAY|API|PEM|Ed25519|HMAC|VISA|Mastercard|Binance|Spot|ccxt|python-binance|cookie|Lightweight|Charts|TradingView|BEGIN|END|JSON|CSV|PDF|UTC|PIN|key\.pem|ensoex|verify|receipt|erasure|access-report|\{\w+\}/g;
    for (const [path, text] of ukrainian) expect([path, text.replace(names, "").match(/[A-Za-z]{3,}/)?.[0]]).toEqual([path, undefined]);
  });

  test("plurals", () => {
    expect([1, 2, 5, 11, 21].map(uk.home.count)).toEqual(["1 ринок", "2 ринки", "5 ринків", "11 ринків", "21 ринок"]);
    expect(en.home.count(1)).toBe("1 market");
  });
});

describe("problemText", () => {
  const problem = (code: string, extra: Record<string, unknown> = {}, detail = "Said by the service.") =>
    new Problem(code, 400, detail, null, extra);

  test("translates by code", () => expect(problemText(problem("wrong_credentials"), uk, "uk")).toBe(uk.errors.wrong_credentials));
  test("fills values in the language", () => {
    expect(problemText(problem("amount_too_low", { limit: "10.50" }), uk, "uk")).toBe("Найменша сума — 10,5.");
    expect(problemText(problem("too_soon", { retry_after_s: 25 }), en, "en")).toBe("New codes can be sent in 0:25.");
    expect(problemText(problem("wrong_code", { attempts_left: 2 }), en, "en")).toContain("left: 2");
  });
  test("falls back to the sentence of the service", () => {
    expect(problemText(problem("brand_new_code"), en, "en")).toBe("Said by the service.");
    expect(problemText(problem("amount_too_low"), en, "en")).toBe("Said by the service.");
    expect(problemText(problem("brand_new_code", {}, ""), en, "en")).toBe(en.errors.server_error);
  });
});

test("fill says when a value is missing", () => {
  expect(fill("a {limit}", { limit: "1" })).toBe("a 1");
  expect(fill("a {limit}", {})).toBeNull();
});

test("named shows an unknown value as it is", () => expect(named({}, "on_hold")).toBe("on hold"));
