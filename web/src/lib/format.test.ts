import { describe, expect, test } from "vitest";
import { decimal } from "./decimal.ts";
import { formatCountdown, formatDecimal, formatNumber, formatRate, readAmount, writeAmount } from "./format.ts";

const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, " ");

describe("formatDecimal", () => {
  test("keeps digits that a float would lose", () =>
    expect(formatNumber("9007199254740993.12345678", "en")).toBe("9,007,199,254,740,993.12345678"));
  test("cuts, never rounds up", () => expect(formatNumber("99.999", "en", { decimals: 2 })).toBe("99.99"));
  test("shows the decimals of the asset and any further that matter", () => {
    expect(formatNumber("100.00000000", "en", { decimalsMin: 2 })).toBe("100.00");
    expect(formatNumber("99.98765432", "en", { decimalsMin: 2 })).toBe("99.98765432");
  });
  test("Ukrainian separators", () =>
    expect(plain(formatDecimal(decimal("-58123.4"), "uk", { decimals: 2 }))).toBe("−58 123,40"));
  test("sign", () => expect(formatNumber("1.5", "en", { decimals: 2, signed: true })).toBe("+1.50"));
  test("leaves alone what is no number", () => expect(formatNumber("n/a", "en")).toBe("n/a"));
});

test("formatRate", () => {
  expect(formatRate("0.002", "en")).toBe("0.2 %");
  expect(formatRate("0.00075", "uk")).toBe("0,075 %");
});

test("formatCountdown", () => expect(formatCountdown(244.2)).toBe("4:05"));

describe("readAmount", () => {
  test.each([
    ["1,234.50", "1234.50"],
    ["1 234.5", "1234.5"],
    [".5", "0.5"],
    ["7.", "7"],
  ])("en reads %s", (typed, value) => expect(readAmount(typed, "en")).toBe(value));
  test.each([
    ["1 234,50", "1234.50"],
    ["0,1", "0.1"],
    ["0.1", "0.1"],
  ])("uk reads %s", (typed, value) => expect(readAmount(typed, "uk")).toBe(value));
  test.each(["12,50", "1,23,4", "-5", "1e5", "", "abc", "NaN"])("en refuses %j", (typed) =>
    expect(readAmount(typed, "en")).toBeNull(),
  );
  test.each(["1.234,50", "1,2,3", "-1"])("uk refuses %j", (typed) => expect(readAmount(typed, "uk")).toBeNull());
  test("what is written is read back", () => {
    for (const language of ["en", "uk"] as const)
      expect(readAmount(writeAmount("1234.56", language), language)).toBe("1234.56");
  });
});
