/** Words for what is wrong with an order, and the field where they belong. */
import type { Problem } from "../api/http.ts";
import type { Market } from "../api/types.ts";
import type { Catalogue } from "../i18n/en.ts";
import type { NumberStyle } from "../lib/format.ts";
import type { Draft, Fault } from "./orderDraft.ts";

export type Field = "stop" | "stopLimit" | "price" | "quantity" | "total";

export function faultText(
  fault: Fault,
  field: Field,
  market: Market,
  t: Catalogue,
  number: (text: string, style?: NumberStyle) => string,
): string {
  const words = t.orderForm;
  switch (fault) {
    case "empty":
      if (field === "stop") return words.enterStop;
      if (field === "stopLimit") return words.unreadable;
      return field === "price" ? words.enterPrice : words.enterQuantity;
    case "unreadable":
      return words.unreadable;
    case "step":
      if (isPrice(field)) return words.priceStep(number(market.tick_size));
      return field === "quantity" ? words.quantityStep(number(market.lot_size)) : t.errors.too_many_decimals;
    case "side":
      return t.errors.oco_prices;
    case "reached":
      return t.errors.stop_would_trigger;
    case "notional":
      return words.notionalMin(`${number(market.notional_min, { decimalsMin: 2 })} ${market.quote}`);
    case "balance":
      return words.overBalance;
    case "below":
    case "above":
      if (isPrice(field))
        return words.priceRange(number(market.price_min), `${number(market.price_max)} ${market.quote}`);
      if (field === "total") return t.errors.invalid_amount;
      return fault === "below"
        ? words.quantityMin(`${number(market.quantity_min)} ${market.base}`)
        : words.quantityMax(`${number(market.quantity_max)} ${market.base}`);
  }
}

const fields: Record<string, Field> = {
  price_precision: "price",
  price_out_of_range: "price",
  price_outside_band: "price",
  stop_would_trigger: "stop",
  oco_prices: "stop",
  would_take: "price",
  quantity_precision: "quantity",
  quantity_too_low: "quantity",
  quantity_too_high: "quantity",
  notional_too_low: "total",
  notional_too_high: "total",
  insufficient_balance: "total",
};

function isPrice(field: Field): boolean {
  return field === "price" || field === "stop" || field === "stopLimit";
}

/** The Service's names of fields. */
const ours: Record<string, Field> = {
  stop_price: "stop",
  stop_limit_price: "stopLimit",
  price: "price",
  quantity: "quantity",
  quote_quantity: "total",
  total: "total",
};

/** The field that a refusal of the Service is about; `null` when it is about the whole order. */
export function fieldOf(problem: Problem, draft: Draft): Field | null {
  const named = ours[problem.field ?? ""] ?? fields[problem.code] ?? null;
  const stops = draft.type === "stop_limit" || draft.type === "oco";
  const field = named === "stop" && !stops ? null : named;
  return field === "price" && draft.type === "market" ? null : field;
}
