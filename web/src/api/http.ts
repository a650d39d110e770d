/**
 * Requests to the Service. Public ones carry no credentials at all; those of an account carry the session
 * cookie, which this code never sees. It knows no page.
 */

/** An RFC 9457 problem, or a failure to reach the Service (`code: "unreachable"`). */
export class Problem extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    readonly detail: string,
    readonly field: string | null,
    readonly extra: Record<string, unknown>,
  ) {
    super(detail || code);
    this.name = "Problem";
  }
}

/** Longest wait for an answer. */
const answerMillisecondsMax = 15_000;

type Listener = () => void;
const signedOutListeners = new Set<Listener>();

/** Calls back whenever the Service says that the session is gone. */
export function onSignedOut(listener: Listener): () => void {
  signedOutListeners.add(listener);
  return () => signedOutListeners.delete(listener);
}

/** Asks the person for one of these proofs; `false` when they would rather not. */
type Prover = (proofs: string[]) => Promise<boolean>;
let prover: Prover | null = null;

/** Who is asked when the Service wants to know once more who is there. */
export function onStepUp(asked: Prover): () => void {
  prover = asked;
  return () => {
    if (prover === asked) prover = null;
  };
}

interface Options {
  method?: "GET" | "POST" | "PUT" | "DELETE";
  body?: unknown;
  credentials: "omit" | "same-origin";
  idempotencyKey?: string;
  signal?: AbortSignal;
}

/** A request that is repeated once, as it was, after the person showed who they are. */
async function request<T>(path: string, options: Options): Promise<T> {
  try {
    return await requestOnce<T>(path, options);
  } catch (error) {
    const isAsked = error instanceof Problem && error.code === "step_up_needed" && prover !== null;
    const proofs = isAsked && Array.isArray(error.extra.proofs) ? error.extra.proofs.map(String) : [];
    if (!isAsked || !prover || !(await prover(proofs))) throw error;
    return await requestOnce<T>(path, options);
  }
}

async function requestOnce<T>(path: string, options: Options): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  const method = options.method ?? "GET";
  if (method !== "GET") {
    headers["Content-Type"] = "application/json";
    headers["EnsoEx-Client"] = "web";
  }
  if (options.idempotencyKey) headers["Idempotency-Key"] = options.idempotencyKey;
  const limits = [AbortSignal.timeout(answerMillisecondsMax), ...(options.signal ? [options.signal] : [])];
  let response: Response;
  let text: string;
  try {
    response = await fetch(path, {
      method,
      headers,
      credentials: options.credentials,
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      cache: "no-store",
      redirect: "error",
      signal: AbortSignal.any(limits),
    });
    text = await response.text();
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Problem("unreachable", 0, "", null, {});
  }
  const answer = parse(text);
  if (response.ok) {
    if (answer === undefined && response.status !== 204) throw new Problem("unreadable_answer", response.status, "", null, {});
    return answer as T;
  }
  const problem = (answer ?? {}) as Record<string, unknown>;
  const string = (key: string) => (typeof problem[key] === "string" ? (problem[key] as string) : null);
  const code = string("code") ?? (response.status === 429 ? "too_many_requests" : "server_error");
  if (response.status === 401 && code === "not_signed_in") signedOutListeners.forEach((listener) => listener());
  throw new Problem(code, response.status, string("detail") ?? "", string("field"), problem);
}

function parse(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A public read: never a cookie, neither sent nor stored. */
export function readPublic<T>(path: string, signal?: AbortSignal): Promise<T> {
  return request<T>(path, { credentials: "omit", signal });
}

export function writePublic<T>(path: string, body: unknown): Promise<T> {
  return request<T>(path, { method: "POST", body, credentials: "same-origin" });
}

export function read<T>(path: string, signal?: AbortSignal): Promise<T> {
  return request<T>(path, { credentials: "same-origin", signal });
}

export function write<T>(path: string, body: unknown, idempotencyKey?: string): Promise<T> {
  return request<T>(path, { method: "POST", body, credentials: "same-origin", idempotencyKey });
}

export function put<T>(path: string, body: unknown = {}): Promise<T> {
  return request<T>(path, { method: "PUT", body, credentials: "same-origin" });
}

export function remove<T>(path: string): Promise<T> {
  return request<T>(path, { method: "DELETE", credentials: "same-origin" });
}

/** A key that names one intention of the person, kept over retries: 32 hexadecimal digits. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
