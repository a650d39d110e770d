/** Every call that the pages make, one line each. */
import { put, read, readPublic, remove, write, writePublic } from "./http.ts";
import type {
  Acknowledgement,
  AccessLog,
  AddedFactor,
  ApiKey,
  Balance,
  CatalogueField,
  Clause,
  Changes,
  Consents,
  Decision,
  Contact,
  Deposit,
  DepthSnapshot,
  Disclosure,
  ErasureCertificate,
  ErasureState,
  Fill,
  Health,
  Interval,
  Kline,
  LedgerEntry,
  Limits,
  Listing,
  Me,
  Factors,
  NewApiKey,
  NewOco,
  NewOrder,
  Oco,
  Order,
  PasskeyAnswer,
  PasskeyQuestion,
  Permission,
  Policy,
  Recipient,
  PublicTrade,
  SessionEntry,
  SignedIn,
  TotpOffer,
  Registration,
  Restriction,
  RightsRequest,
  Session,
  SignedHead,
  Statement,
  Ticker,
  Withdrawal,
} from "./types.ts";

const segment = encodeURIComponent;

function query(values: Record<string, string | number | undefined | null>): string {
  const pairs = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return pairs.length ? `?${new URLSearchParams(pairs.map(([key, value]) => [key, String(value)]))}` : "";
}

// Public
export const getMarkets = (signal?: AbortSignal) => readPublic<Listing>("/v1/markets", signal);
export const getTickers = (signal?: AbortSignal) => readPublic<Ticker[]>("/api/v3/ticker/24hr", signal);
export const getTicker = (symbol: string, signal?: AbortSignal) =>
  readPublic<Ticker>(`/api/v3/ticker/24hr${query({ symbol })}`, signal);
export const getDepth = (symbol: string, signal?: AbortSignal) =>
  readPublic<DepthSnapshot>(`/api/v3/depth${query({ symbol, limit: 1000 })}`, signal);
export const getPublicTrades = (symbol: string, signal?: AbortSignal) =>
  readPublic<PublicTrade[]>(`/api/v3/trades${query({ symbol, limit: 50 })}`, signal);
export const getKlines = (symbol: string, interval: Interval, limit: number, signal?: AbortSignal) =>
  readPublic<Kline[]>(`/api/v3/klines${query({ symbol, interval, limit })}`, signal);
export const getPolicy = (signal?: AbortSignal) => readPublic<Policy>("/v1/policy", signal);
export const getCatalogue = (language: string, signal?: AbortSignal) =>
  readPublic<{ fields: CatalogueField[] }>(`/v1/catalogue${query({ language })}`, signal);
export const getClauses = (language: string, signal?: AbortSignal) =>
  readPublic<{ clauses: Clause[] }>(`/v1/clauses${query({ language })}`, signal);
export const getLimits = (signal?: AbortSignal) => readPublic<Limits>("/v1/registration/limits", signal);
export const getAccessHead = (signal?: AbortSignal) =>
  readPublic<SignedHead>("/v1/transparency/access", signal);
export const getHealth = (signal?: AbortSignal) => readPublic<Health>("/health", signal);

// Registration and session
export const register = (body: {
  email: string;
  phone: string;
  password: string;
  policy_hash: string;
  locale: string;
}) => writePublic<Registration>("/v1/registrations", body);
export const confirmRegistration = (registration: string, body: { email_code: string; phone_code: string }) =>
  writePublic<{ account: string }>(`/v1/registrations/${segment(registration)}/confirm`, body);
export const sendCodesAgain = (registration: string) =>
  writePublic<{ codes_expire_at?: string } | undefined>(`/v1/registrations/${segment(registration)}/codes`, {});
export const getSession = () => read<Session>("/v1/session");
export const signIn = (body: { email: string; password: string }) => write<SignedIn>("/v1/session", body);
export const signInWithCode = (body: { sign_in: string; code: string }) => write<SignedIn>("/v1/session/factor", body);
export const askForPasskey = () => write<PasskeyQuestion>("/v1/session/passkey/challenge", {});
export const signInWithPasskey = (body: PasskeyAnswer) => write<SignedIn>("/v1/session/passkey", body);
export const prove = (body: { password: string } | { code: string } | { passkey: PasskeyAnswer }) => write<{ fresh_until: string }>("/v1/session/proof", body);
export const signOut = () => remove<void>("/v1/session");

// Security of the account
export const getFactors = (signal?: AbortSignal) => read<Factors>("/v1/me/factors", signal);
export const offerTotp = () => write<TotpOffer>("/v1/me/factors/totp", {});
export const confirmTotp = (code: string) => write<AddedFactor>("/v1/me/factors/totp/confirm", { code });
export const removeTotp = () => remove<void>("/v1/me/factors/totp");
export const beginPasskey = () => write<PasskeyQuestion>("/v1/me/factors/passkeys/challenge", {});
export const addPasskey = (body: PasskeyAnswer & { label: string }) => write<AddedFactor>("/v1/me/factors/passkeys", body);
export const renamePasskey = (passkey: string, label: string) =>
  put<void>(`/v1/me/factors/passkeys/${segment(passkey)}`, { label });
export const removePasskey = (passkey: string) => remove<void>(`/v1/me/factors/passkeys/${segment(passkey)}`);
export const renewRecoveryCodes = () => write<AddedFactor>("/v1/me/factors/recovery-codes", {});
export const changePassword = (body: { password: string; new_password: string }) => put<void>("/v1/me/password", body);
export const getSessions = (signal?: AbortSignal) => read<{ sessions: SessionEntry[] }>("/v1/sessions", signal);
export const endSession = (session: string) => remove<void>(`/v1/sessions/${segment(session)}`);
export const endOtherSessions = () => remove<{ ended: number }>("/v1/sessions");

// My data
export const getAcknowledgement = (signal?: AbortSignal) => read<Acknowledgement>("/v1/me/acknowledgements", signal);
export const acknowledge = (seen: { hash: string; language: string }) =>
  write<Acknowledgement>("/v1/me/acknowledgements", seen);
export const getMe = (signal?: AbortSignal) => read<Me>("/v1/me", signal);
export const getDisclosures = (signal?: AbortSignal) => read<{ disclosures: Disclosure[] }>("/v1/me/disclosures", signal);
export const getRecipients = (signal?: AbortSignal) =>
  readPublic<{ recipients: Recipient[] }>("/v1/transparency/disclosures", signal);
export const getAccessLog = (signal?: AbortSignal) => read<AccessLog>("/v1/me/access-log", signal);
export const receiptPath = "/v1/me/receipts/newest";
export const exportPath = "/v1/me/export";
export const readableExportPath = (language: string) => `/v1/me/export${query({ format: "html", language })}`;
export const getRequests = (signal?: AbortSignal) => read<{ requests: RightsRequest[] }>("/v1/me/requests", signal);
export const askRequest = (right: "objection", matter: "fraud_prevention") =>
  write<RightsRequest>("/v1/me/requests", { right, matter });
export const getDecisions = (signal?: AbortSignal) => read<{ decisions: Decision[] }>("/v1/me/decisions", signal);
export const askHuman = (decision: string) =>
  write<RightsRequest>(`/v1/me/decisions/${segment(decision)}/review`, {});
export const requestReceiptPath = (request: string) => `/v1/me/requests/${segment(request)}/receipt`;
export const getConsents = (signal?: AbortSignal) => read<Consents>("/v1/me/consents", signal);
export const setConsent = (purpose: string, body: { given: boolean; language: string }) =>
  put<Consents>(`/v1/me/consents/${segment(purpose)}`, body);
export const consentReceiptPath = (number: number) => `/v1/me/consents/receipts/${number}`;
export const getRestriction = (signal?: AbortSignal) => read<Restriction>("/v1/me/restriction", signal);
export const restrictUse = () => put<Restriction>("/v1/me/restriction");
export const liftRestriction = () => remove<Restriction>("/v1/me/restriction");
export const getCorrections = (signal?: AbortSignal) => read<Changes>("/v1/me/corrections", signal);
export const startCorrection = (contact: Contact, body: { value: string; password: string }) =>
  write<{ code_expires_at: string }>(`/v1/me/corrections/${contact}`, body);
export const confirmCorrection = (contact: Contact, code: string) =>
  write<{ corrected_at: string }>(`/v1/me/corrections/${contact}/confirm`, { code });
export const getErasure = (signal?: AbortSignal) => read<ErasureState>("/v1/me/erasure", signal);
export const eraseMe = (body: { password: string; leave_balances: boolean }) =>
  write<ErasureCertificate>("/v1/me/erasure", body);
export const erasurePath = (subject: string) => `/v1/erasures/${segment(subject)}`;
export const accessReportPath = "/v1/me/access-report";

// Trading
export const getBalances = (signal?: AbortSignal) => read<{ balances: Balance[] }>("/v1/balances", signal);
export const placeOrder = (body: NewOrder) => write<Order>("/v1/orders", body);
export const placeOco = (body: NewOco) => write<Oco>("/v1/orders/oco", body);
export const cancelOrder = (symbol: string, order: string) =>
  remove<Order>(`/v1/orders/${segment(symbol)}/${segment(order)}`);
export const getOrders = (
  filter: { status: "open" | "closed" | "all"; symbol?: string; limit?: number; before?: string | null },
  signal?: AbortSignal,
) => read<{ orders: Order[]; next: string | null }>(`/v1/orders${query(filter)}`, signal);
export const getFills = (filter: { symbol?: string; limit?: number; before?: string | null }, signal?: AbortSignal) =>
  read<{ trades: Fill[]; next: string | null }>(`/v1/trades${query(filter)}`, signal);
export const getLedger = (
  filter: { asset?: string; limit?: number; before?: string | number | null },
  signal?: AbortSignal,
) => read<{ entries: LedgerEntry[]; next: string | number | null }>(`/v1/ledger${query(filter)}`, signal);

// The past
interface Asked {
  from: string;
  to: string;
  asset: string;
}
export const getBalancesAt = (at: string, signal?: AbortSignal) =>
  read<{ sequence: number; at: string; balances: Balance[] }>(`/v1/account/balances${query({ at })}`, signal);
export const getStatement = (asked: Asked, signal?: AbortSignal) =>
  read<Statement>(`/v1/account/statement${query({ ...asked })}`, signal);
export const statementPath = (asked: Asked & { format: "csv" | "pdf" }) => `/v1/account/statement${query({ ...asked })}`;

// Money in and out
export const createDeposit = (body: { asset: string; amount: string }, key: string) =>
  write<Deposit>("/v1/deposits", body, key);
export const getDeposits = (signal?: AbortSignal) => read<{ deposits: Deposit[] }>("/v1/deposits?limit=20", signal);
export const getDeposit = (id: string, signal?: AbortSignal) => read<Deposit>(`/v1/deposits/${segment(id)}`, signal);
export const createWithdrawal = (body: { asset: string; amount: string }, key: string) =>
  write<Withdrawal>("/v1/withdrawals", body, key);
export const getWithdrawals = (signal?: AbortSignal) =>
  read<{ withdrawals: Withdrawal[] }>("/v1/withdrawals?limit=20", signal);
export const getWithdrawal = (id: string, signal?: AbortSignal) =>
  read<Withdrawal>(`/v1/withdrawals/${segment(id)}`, signal);
export const continueWithdrawal = (id: string) => write<Withdrawal>(`/v1/withdrawals/${segment(id)}/continue`, {});
export const cancelWithdrawal = (id: string) => write<Withdrawal>(`/v1/withdrawals/${segment(id)}/cancel`, {});

// API keys
export const getApiKeys = (signal?: AbortSignal) => read<{ keys: ApiKey[] }>("/v1/api-keys", signal);
export const createApiKey = (
  body: { label: string; permissions: Permission[] } & ({ type: "hmac" } | { type: "ed25519"; public_key: string }),
) => write<NewApiKey>("/v1/api-keys", body);
export const deleteApiKey = (key: string) => remove<void>(`/v1/api-keys/${segment(key)}`);
