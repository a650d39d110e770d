/** MOCK, for development only: fixed texts and numbers in the shapes of the Service. */
import { readFileSync } from "node:fs";

export const markets = [
  spec("BTCEUR", "BTC", "EUR", "0.01", "0.00001", "5.00", "1000000.00"),
  spec("ETHEUR", "ETH", "EUR", "0.01", "0.0001", "5.00", "100000.00"),
  spec("EURUAH", "EUR", "UAH", "0.001", "0.01", "200.00", "1000.000"),
];

function spec(symbol: string, base: string, quote: string, tick: string, lot: string, notional: string, priceMax: string) {
  return {
    symbol,
    base,
    quote,
    tick_size: tick,
    lot_size: lot,
    quantity_min: lot,
    quantity_max: "100000.00000",
    notional_min: notional,
    price_min: tick,
    price_max: priceMax,
    maker_fee: "0.001000",
    taker_fee: "0.002000",
    state: "trading",
  };
}

export const assets = [
  { code: "BTC", scale: 8, display_decimals: 8, card: false },
  { code: "ETH", scale: 8, display_decimals: 8, card: false },
  { code: "EUR", scale: 8, display_decimals: 2, card: true },
  { code: "UAH", scale: 8, display_decimals: 2, card: true },
];

export const startPrices: Record<string, number> = { BTCEUR: 58_120, ETHEUR: 2_315, EURUAH: 48.62 };

const hash = "sha256:8a1f0c2b9d3e4f5061728394a5b6c7d8e9f00112233445566778899aabbccdde";
const times = { effective_at: "2026-11-20T09:00:00Z", published_at: "2026-11-20T09:00:00Z" };

export const policy = {
  version: 1,
  hash,
  short_hash: hash.slice(7, 19),
  ...times,
  summary: "First publication.",
};

const withTheAccount = "as long as the account exists; destroyed with its keys on erasure";
export const catalogue = {
  fields: [
    field("email", "E-mail address", "pd:EmailAddress", "to sign you in, to send you codes and notices", ["the mail relay that delivers our messages to you"]),
    field("mobile_phone", "Mobile phone number", "pd:TelephoneNumber", "to confirm with a code that it is yours", ["the telephone carrier that delivers our text messages to you"]),
    field("password_hash", "Password, as a one-way hash", "pd:Password", "to check the password when you sign in; the password itself is never kept", []),
  ],
};

function field(name: string, title: string, category: string, why: string, recipients: string[]) {
  const purposes = ["provide_service", "prevent_fraud"];
  return { field: name, title, category, asked_at: "at registration", why, purposes, recipients, retention: withTheAccount, legal_hold: null };
}

type Words = { title: string; how: string; check: string };

export function clauses(language: string) {
  const written = JSON.parse(readFileSync(new URL("../../policy/clauses.json", import.meta.url), "utf8"));
  return {
    clauses: written.clauses.map((clause: { clause: string; tests: unknown[]; en: Words; uk: Words }) => {
      const { title, how, check } = language === "uk" ? clause.uk : clause.en;
      return { clause: clause.clause, title, how, check, tests: clause.tests };
    }),
  };
}

const range = { EUR: { min: "10.00", max: "10000.00" }, UAH: { min: "400.00", max: "400000.00" } };
export const limits = { deposit: range, withdrawal: range, password: { length_min: 15, length_max: 128 } };

export const head = {
  size: 12,
  root: "5f1d3a".repeat(10) + "abcd",
  at_ms: Date.now(),
  public_key: "9c2e11".repeat(10) + "0f0f",
  signature: "77aa01".repeat(21) + "cc",
};

export function accessLog() {
  const entry = (index: number, minutes: number, operation: string, fieldName: string | null, purpose: string | null, actor: string, reason: string, granted = true) => ({
    index,
    at: new Date(Date.now() - minutes * 60_000).toISOString(),
    operation,
    field: fieldName,
    purpose,
    actor,
    reason,
    granted,
    policy_version: hash,
  });
  return {
    head,
    entries: [
      entry(11, 1, "read", "email", "provide_service", "person:s_1", "show_to_person"),
      entry(10, 1, "read", "mobile_phone", "provide_service", "person:s_1", "show_to_person"),
      entry(9, 4, "read", "password_hash", "provide_service", "component:sign-in", "sign_in"),
      entry(8, 30, "read", "email", "prevent_fraud", "staff:17", "case", false),
      entry(3, 60, "store", "email", null, "component:registration", "registration"),
      entry(2, 60, "create_subject", null, null, "component:registration", "registration"),
    ],
  };
}

const said = (en: string, uk: string) => ({ en, uk });

/** The register of recipients, shortened. */
export const recipients = {
  recipients: [
    {
      id: "mail_relay",
      name: said("the mail relay", "поштовий сервер"),
      why: said("delivers our messages to you", "доставляє вам наші повідомлення"),
      given: said("your e-mail address and the message", "вашу адресу електронної пошти та повідомлення"),
      ground: said("needed to perform the contract with you", "потрібно для виконання договору з вами"),
      operated_by: said("a company that the operator chose", "компанія, яку обрав оператор"),
      disclosures: 1204,
    },
  ],
};
