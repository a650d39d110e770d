/** The shapes of the Service's `/v1` and `/api/v3`, as far as this client reads them. Amounts are decimal strings. */

export type MarketState = "trading" | "cancel_only" | "halted" | "delisted";

export interface Market {
  symbol: string;
  base: string;
  quote: string;
  tick_size: string;
  lot_size: string;
  quantity_min: string;
  quantity_max: string;
  notional_min: string;
  price_min: string;
  price_max: string;
  maker_fee: string;
  taker_fee: string;
  state: MarketState;
}

export interface Asset {
  code: string;
  scale: number;
  display_decimals: number;
  card: boolean;
}

export interface Listing {
  markets: Market[];
  assets: Asset[];
}

/** 24-hour ticker, from REST. */
export interface Ticker {
  symbol: string;
  lastPrice: string;
  priceChange: string;
  priceChangePercent: string;
  openPrice: string;
  highPrice: string;
  lowPrice: string;
  volume: string;
  quoteVolume: string;
}

export interface DepthSnapshot {
  lastUpdateId: number;
  bids: [string, string][];
  asks: [string, string][];
}

export interface PublicTrade {
  id: number;
  price: string;
  qty: string;
  time: number;
  isBuyerMaker: boolean;
}

/** Open time, open, high, low, close, volume, …; times in milliseconds. */
export type Kline = [number, string, string, string, string, string, ...unknown[]];

export type Interval = "1m" | "5m" | "15m" | "1h" | "4h" | "1d";

export interface Policy {
  version: number;
  hash: string;
  short_hash: string;
  effective_at: string;
  published_at: string;
  summary: string;
}

export interface CatalogueField {
  field: string;
  title: string;
  category: string;
  asked_at: string;
  why: string;
  purposes: string[];
  recipients: string[];
  retention: string;
  legal_hold: string | null;
}

/** A clause of the Policy with what keeps it; texts are Markdown with code spans and emphasis only. */
export interface Clause {
  clause: string;
  title: string;
  how: string;
  check: string;
  tests: ClauseTest[];
}

export interface ClauseTest {
  name: string;
  file: string;
  mechanism: string;
  control: string;
}

export interface Range {
  min: string;
  max: string;
}

export interface Limits {
  deposit: Record<string, Range>;
  withdrawal: Record<string, Range>;
  password: { length_min: number; length_max: number };
}

export interface Health {
  status: string;
  demo?: boolean;
}

/** The access log's state, signed; hashes, key and signature in hexadecimal. */
export interface SignedHead {
  size: number;
  root: string;
  at_ms: number;
  public_key: string;
  signature: string;
  /** How each key before this one handed over to the next, the oldest first; left out while there was one key only. */
  handovers?: KeyHandover[];
}

export interface KeyHandover {
  public_key: string;
  next_public_key: string;
  size: number;
  root: string;
  at_ms: number;
  signature: string;
}

export interface Registration {
  registration: string;
  expires_at: string;
  codes_expire_at: string;
}

export interface Session {
  signed_in: boolean;
  account?: string;
  expires_at?: string;
}

export interface Me {
  account: string;
  email: string;
  phone: string;
  tier: number;
  registered_at: string;
  policy: Acknowledgement;
}

/** Which version somebody acknowledged last, and whether the one in force is still to be. */
export interface Acknowledgement {
  accepted_hash: string;
  accepted_version: number | null;
  accepted_at: string;
  in_force_hash: string;
  in_force: Policy;
  acknowledgement_due: boolean;
}

/** A contact that a person can correct. */
export type Contact = "email" | "mobile_phone";

/** When values changed and by whom, newest first. */
export interface Changes {
  changes: { field: string; at: string; actor: string; reason: string; entry: number }[];
}

/** What a person asked for under their rights. */
export interface RightsRequest {
  request: string;
  right: string;
  matter: string;
  made_at: string;
  due_at: string;
  state: "open" | "overdue" | "done" | "refused";
  /** Why the answer takes two months more, if it does. */
  extended?: "complex" | "many" | null;
  state_at: string;
}

export interface Restriction {
  restricted: boolean;
  since?: string;
}

/** Something that an erasure would harm. */
export interface Obstacle {
  kind: "open_orders" | "deposit" | "withdrawal" | "balance";
  id?: string;
  asset?: string;
  amount: string;
}

/** One giving or withdrawal of consent. */
export interface ConsentReceipt {
  number: number;
  purpose: string;
  state: "given" | "withdrawn";
  at: string;
  version: number;
  hash: string;
}

/** What is optional, and what the person agreed to and withdrew so far. */
export interface Consents {
  consents: { purpose: string; given: boolean; since?: string }[];
  receipts: ConsentReceipt[];
}

/** A field that law forbids to destroy, until a date. */
export interface HeldField {
  field: string;
  law: string;
  until: string;
}

export interface ErasureState {
  possible: boolean;
  obstacles: Obstacle[];
  held: HeldField[];
}

/** Of the certificate, what the page needs. */
export interface ErasureCertificate {
  statement: { kind: "erasure"; subject: string; erased_at_ms: number };
}

export interface AccessEntry {
  index: number;
  at: string;
  operation?: string;
  field: string | null;
  purpose: string | null;
  /** `person:…`, `component:…` or `staff:…`. */
  actor: string;
  reason: string;
  granted: boolean;
  policy_version: string;
  proof?: unknown;
}

/** What a recipient was given of the person. */
export interface Disclosure {
  index: number;
  at: string;
  recipient: string;
  items: string[];
  /** Which field an authority was given. */
  field?: string | null;
  reason: string;
  policy_version: string;
}

type Words = { en: string; uk: string };

/** Somebody in the register of recipients, with how often they were given something. */
export interface Recipient {
  id: string;
  name: Words;
  why: Words;
  given: Words;
  ground: Words;
  operated_by: Words;
  disclosures: number;
}

export interface AccessLog {
  entries: AccessEntry[];
  head?: SignedHead;
}

export interface Balance {
  asset: string;
  available: string;
  held: string;
  total: string;
}

/** One asset of a statement: `opening`, then each entry, gives `closing`. */
export interface StatementAsset {
  asset: string;
  opening: string;
  closing: string;
  available: string;
  held: string;
  entries: { entry: string; at: string; code: string; kind: string; amount: string; total: string; reference: string }[];
}

export interface Statement {
  account: string;
  first_sequence: number;
  last_sequence: number;
  at: string;
  /** Nothing can be added to it any more. */
  settled: boolean;
  assets: StatementAsset[];
}

export type Side = "buy" | "sell";
export type OrderType =
  | "limit"
  | "market"
  | "limit_maker"
  | "stop_loss"
  | "stop_loss_limit"
  | "take_profit"
  | "take_profit_limit";
export type OrderStatus = "new" | "partially_filled" | "filled" | "canceled" | "expired" | "rejected";

export interface Order {
  order: string;
  client_order_id: string | null;
  symbol: string;
  side: Side;
  type: OrderType;
  time_in_force: string | null;
  price: string | null;
  /** Stop-loss and take-profit orders wait until a trade reaches it. */
  stop_price?: string;
  /** When one did. */
  triggered_at?: string;
  /** The pair that it was placed in. */
  list?: string;
  quantity: string | null;
  quote_quantity?: string | null;
  executed_quantity: string;
  executed_quote: string;
  average_price?: string | null;
  status: OrderStatus;
  created_at: string;
  updated_at: string;
}

export interface NewOrder {
  symbol: string;
  side: Side;
  type: OrderType;
  time_in_force?: "gtc" | "ioc" | "fok";
  price?: string;
  stop_price?: string;
  quantity?: string;
  quote_quantity?: string;
  client_order_id: string;
}

/** Two orders of which one cancels the other. */
export interface NewOco {
  symbol: string;
  side: Side;
  quantity: string;
  price: string;
  stop_price: string;
  stop_limit_price?: string;
  list_client_order_id: string;
}

export interface Oco {
  list: string;
  list_client_order_id: string;
  ended: boolean;
  orders: [Order, Order];
}

export interface Fill {
  trade: string;
  order: string;
  symbol: string;
  side: Side;
  price: string;
  quantity: string;
  quote: string;
  fee: string;
  fee_asset: string;
  liquidity: "maker" | "taker";
  at: string;
}

export interface LedgerEntry {
  entry?: string;
  sequence: number | string;
  asset: string;
  amount: string;
  code: string;
  reference: string | null;
  at: string;
}

export type DepositStatus = "created" | "pending" | "credited" | "failed" | "canceled" | "expired" | "refused";
export type WithdrawalStatus =
  | "created"
  | "in_review"
  | "approved"
  | "held"
  | "submitted"
  | "paid"
  | "failed"
  | "canceled"
  | "returned"
  | "expired"
  | "refused";

/** An automated decision, its reasons, and what a human said. */
export interface Decision {
  decision: string;
  place: string;
  /** The deposit or withdrawal, if it is about one. */
  about: string | null;
  at: string;
  outcome: "approve" | "review" | "block_and_review" | "decline";
  only_to_paying_card: boolean;
  reasons: { code: string; en: string; uk: string }[];
  review: {
    state: "open" | "approved" | "refused" | "ended";
    due_at: string;
    finding: string | null;
    asked: boolean;
  } | null;
}

interface Movement<Status> {
  asset: string;
  amount: string;
  status: Status;
  redirect_url?: string | null;
  decline?: { code: string; message: string } | null;
  decision?: Decision;
  reference?: string | null;
  created_at: string;
  updated_at: string;
  timeline: { state: string; at: string }[];
}

export interface Deposit extends Movement<DepositStatus> {
  deposit: string;
}

export interface Withdrawal extends Movement<WithdrawalStatus> {
  withdrawal: string;
}

export type Permission = "read" | "trade";

export interface ApiKey {
  key: string;
  label: string;
  type: "hmac" | "ed25519";
  permissions: Permission[];
  created_at: string;
  last_used_at: string | null;
}

export interface NewApiKey extends ApiKey {
  secret?: string;
}

/** A proof that the Service takes. */
export type ProofName = "password" | "passkey" | "totp" | "recovery_code";

/** After the password: signed in, or a second step is awaited under `sign_in`. */
export interface SignedIn {
  signed_in: boolean;
  account?: string;
  sign_in?: string;
  proofs?: ProofName[];
}

export interface Passkey {
  passkey: string;
  label: string;
  created_at: string;
  last_used_at: string | null;
}

/** What the device is asked, in the form of `PublicKeyCredential.parse…OptionsFromJSON`. */
export interface PasskeyQuestion {
  challenge: string;
  public_key: unknown;
  expires_at: string;
}

/** What the device answered, as `PublicKeyCredential.toJSON` gives it. */
export interface PasskeyAnswer {
  challenge: string;
  credential: unknown;
}

export interface Factors {
  passkeys: Passkey[];
  passkeys_possible: boolean;
  totp: { since: string } | null;
  recovery_codes_left: number;
  proofs: ProofName[];
}

/** `qr` is an SVG path over a square of `qr_size` units. */
export interface TotpOffer {
  secret: string;
  uri: string;
  qr: string;
  qr_size: number;
  expires_at: string;
}

/** Recovery codes if they are new: they are shown this once. */
export interface AddedFactor {
  recovery_codes?: string[];
}

export interface SessionEntry {
  session: string;
  browser: string;
  system: string;
  created_at: string;
  last_seen_at: string;
  expires_at: string;
  current: boolean;
}
