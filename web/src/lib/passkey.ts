/** The browser's passkeys, between the Service's questions and the device's answers. It knows no page. */
import { Problem } from "../api/http.ts";

/** Whether this browser can do it at all. */
export const passkeysWork = () =>
  typeof PublicKeyCredential !== "undefined" && "parseRequestOptionsFromJSON" in PublicKeyCredential;

/** What the device said no with, as a problem that a page can show. */
function refused(error: unknown): Problem {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "InvalidStateError") return new Problem("passkey_known", 0, "", null, {});
  if (name === "NotAllowedError" || name === "AbortError") return new Problem("passkey_cancelled", 0, "", null, {});
  return new Problem("passkey_failed", 0, "", null, {});
}

async function answered(ask: () => Promise<Credential | null>): Promise<unknown> {
  try {
    const credential = await ask();
    if (credential instanceof PublicKeyCredential) return credential.toJSON();
  } catch (error) {
    throw refused(error);
  }
  throw refused(null);
}

/** Has the device make a passkey. */
export function makePasskey(options: unknown): Promise<unknown> {
  return answered(() =>
    navigator.credentials.create({
      publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options as PublicKeyCredentialCreationOptionsJSON),
    }),
  );
}

/** Has the device answer with a passkey. */
export function askPasskey(options: unknown): Promise<unknown> {
  return answered(() =>
    navigator.credentials.get({
      publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options as PublicKeyCredentialRequestOptionsJSON),
    }),
  );
}
