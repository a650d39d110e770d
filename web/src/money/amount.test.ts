import { describe, expect, test } from "vitest";
import { decimal } from "../lib/decimal.ts";
import { checkAmount, quickAmounts } from "./amount.ts";

const range = { min: "10.00", max: "10000.00" };

describe("checkAmount", () => {
  test.each([
    ["100", "100.00"],
    ["10.5", "10.50"],
    ["10,000.00", "10000.00"],
  ])("takes %s as %s", (typed, text) =>
    expect(checkAmount(typed, "en", 2, range, null)).toEqual({ fault: null, text }));

  test.each([
    ["", "empty"],
    ["ten", "unreadable"],
    ["-5", "unreadable"],
    ["1e3", "unreadable"],
    ["NaN", "unreadable"],
    ["0.00", "zero"],
    ["20.001", "decimals"],
    ["9.99", "low"],
    ["10000.01", "high"],
    ["9".repeat(50), "high"],
  ])("refuses %j as %s", (typed, fault) =>
    expect(checkAmount(typed, "en", 2, range, null)).toEqual({ fault, text: null }));

  test("trailing zeros are no further decimals", () =>
    expect(checkAmount("20.1000", "en", 2, range, null).text).toBe("20.10"));

  test("no more than is available, to the last unit", () => {
    expect(checkAmount("50.01", "en", 2, range, decimal("50.00999999")).fault).toBe("balance");
    expect(checkAmount("50.00", "en", 2, range, decimal("50.00999999")).fault).toBeNull();
  });
});

test("quick amounts stay within the limits", () => {
  expect(quickAmounts(range)).toEqual(["20", "50", "100", "250", "500"]);
  expect(quickAmounts({ min: "10.00", max: "60.00" })).toEqual(["20", "50"]);
});
