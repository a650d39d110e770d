import { describe, expect, test } from "vitest";
import {
  add,
  compare,
  decimal,
  decimalDigitsMax,
  divideDown,
  floorToStep,
  isMultiple,
  multiply,
  parseDecimal,
  roundDown,
  roundUp,
  stepScale,
  strip,
  subtract,
  toText,
} from "./decimal.ts";

const text = (value: ReturnType<typeof parseDecimal>) => (value ? toText(value) : null);

describe("parseDecimal", () => {
  test.each([
    ["0", "0"],
    ["12.50", "12.50"],
    ["-0.00000001", "-0.00000001"],
    ["340282366920938463463374607431768211455.99999999", "340282366920938463463374607431768211455.99999999"],
  ])("keeps %s to the last digit", (input, output) => expect(text(parseDecimal(input))).toBe(output));

  test.each(["", " 1", "1.", ".5", "1e3", "NaN", "Infinity", "+1", "1,5", "0x10", "--1", "1.2.3", "١", "9".repeat(decimalDigitsMax + 1)])(
    "refuses %j",
    (input) => expect(parseDecimal(input)).toBeNull(),
  );
});

describe("arithmetic", () => {
  test("adds what floats cannot", () => {
    expect(toText(add(decimal("0.1"), decimal("0.2")))).toBe("0.3");
    expect(toText(subtract(decimal("1"), decimal("0.00000001")))).toBe("0.99999999");
  });
  test("multiplies exactly", () =>
    expect(toText(multiply(decimal("58123.45"), decimal("0.12345")))).toBe("7175.3399025"));
  test("divides toward zero, and never by zero", () => {
    expect(text(divideDown(decimal("1"), decimal("3"), 8))).toBe("0.33333333");
    expect(text(divideDown(decimal("-1"), decimal("3"), 2))).toBe("-0.33");
    expect(text(divideDown(decimal("10.00"), decimal("0.00004"), 5))).toBe("250000.00000");
    expect(divideDown(decimal("1"), decimal("0.00"), 8)).toBeNull();
  });
  test("compares across scales", () => {
    expect(compare(decimal("1.0"), decimal("1"))).toBe(0);
    expect(compare(decimal("-2"), decimal("1.5"))).toBe(-1);
  });
});

describe("rounding", () => {
  test("down and up are named", () => {
    expect(toText(roundDown(decimal("1.239"), 2))).toBe("1.23");
    expect(toText(roundUp(decimal("1.231"), 2))).toBe("1.24");
    expect(toText(roundUp(decimal("1.230"), 2))).toBe("1.23");
    expect(toText(roundUp(decimal("-1.231"), 2))).toBe("-1.24");
    expect(toText(roundDown(decimal("5"), 2))).toBe("5.00");
  });
  test("to a lot", () => {
    expect(toText(floorToStep(decimal("0.123456789"), decimal("0.00001")))).toBe("0.12345");
    expect(toText(floorToStep(decimal("7"), decimal("5")))).toBe("5");
    expect(isMultiple(decimal("0.03"), decimal("0.01"))).toBe(true);
    expect(isMultiple(decimal("0.035"), decimal("0.01"))).toBe(false);
  });
  test("strip keeps the decimals asked for", () => {
    expect(toText(strip(decimal("1.50000000"), 2))).toBe("1.50");
    expect(toText(strip(decimal("100")))).toBe("100");
    expect(stepScale("0.01000000")).toBe(2);
    expect(stepScale("1.00")).toBe(0);
  });
});
