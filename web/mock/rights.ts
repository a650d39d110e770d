/** What a person may ask for under their rights, in the mock. */
type Row = Record<string, unknown>;

const at = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
const request = (right: string, matter: string, state: string, made: number) => ({
  request: `req_${right}${made}`,
  right,
  matter,
  made_at: at(-made),
  due_at: at(30 - made),
  state,
  state_at: at(-made),
});

let restricted: string | null = null;
const agreed = new Map<string, string>();
let receipts: Row[] = [];
let requests: Row[] = [
  request("objection", "fraud_prevention", "overdue", 40),
  request("correction", "email", "done", 41),
  request("export", "everything", "done", 50),
];

/** The answer of `/v1/me/…`; `null` for what is not of the rights. */
export function rightsAnswer(method: string, id: string, last: string, body: Row): { status: number; body?: unknown } | null {
  switch (`${method} ${id}`) {
    case "GET requests":
      return { status: 200, body: last ? { mock: true } : { requests } };
    case "POST requests":
      requests = [request(String(body.right), String(body.matter), "open", 0), ...requests];
      return { status: 201, body: requests[0] };
    case "PUT restriction":
      restricted = new Date().toISOString();
      return rightsAnswer("GET", id, last, body);
    case "DELETE restriction":
      restricted = null;
      return rightsAnswer("GET", id, last, body);
    case "GET restriction":
      return { status: 200, body: restricted ? { restricted: true, since: restricted } : { restricted: false } };
    case "PUT consents": {
      const given = body.given === true;
      if (given !== agreed.has(last)) {
        const receipt = { number: receipts.length + 1, purpose: last, state: given ? "given" : "withdrawn", at: at(0), version: 1, hash: "sha256:mock" };
        receipts = [...receipts, receipt];
      }
      if (given) agreed.set(last, agreed.get(last) ?? at(0));
      else agreed.delete(last);
      return rightsAnswer("GET", id, "", body);
    }
    case "GET consents": {
      const consents = ["newsletter", "statistics"].map((purpose) => ({ purpose, given: agreed.has(purpose), since: agreed.get(purpose) }));
      return { status: 200, body: last ? { mock: true } : { consents, receipts } };
    }
    case "GET disclosures":
      return {
        status: 200,
        body: {
          disclosures: [
            { index: 31, at: at(-2), recipient: "enso_ex_pay", items: ["amount", "currency", "reference"], reason: "card_transfer", policy_version: "sha256:mock" },
            { index: 4, at: at(-41), recipient: "sms_carrier", items: ["mobile_phone", "message"], reason: "deliver_message", policy_version: "sha256:mock" },
            { index: 3, at: at(-41), recipient: "mail_relay", items: ["email", "message"], reason: "deliver_message", policy_version: "sha256:mock" },
          ],
        },
      };
    case "GET corrections":
      return {
        status: 200,
        body: { changes: [{ field: "email", at: at(-41), actor: "person:00", reason: "correction", entry: 12 }] },
      };
    case "POST corrections":
      return { status: 200, body: { code_expires_at: at(0), corrected_at: at(0) } };
    case "GET erasure":
      return {
        status: 200,
        body: {
          possible: false,
          obstacles: [
            { kind: "open_orders", amount: "2" },
            { kind: "withdrawal", id: "wd_1", asset: "EUR", amount: "200.00" },
            { kind: "balance", asset: "EUR", amount: "1500.00000000" },
          ],
          held: [{ field: "mobile_phone", law: "court_order", until: at(400) }],
        },
      };
    case "POST erasure":
      return { status: 200, body: { statement: { kind: "erasure", subject: "00", erased_at_ms: Date.now() } } };
    default:
      return null;
  }
}
