/** Whether someone is signed in: asked once when the page loads, told by each answer after that. */
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { onSignedOut } from "../api/http.ts";
import { getSession, signOut as endSession } from "../api/service.ts";
import { accountFeed } from "../live/account.ts";

export type SessionState = { state: "asking" } | { state: "out" } | { state: "in"; account: string };

interface SessionValue {
  session: SessionState;
  /** After a sign-in or a confirmed registration. */
  signedIn: (account: string) => void;
  signOut: () => Promise<void>;
}

const SessionContext = createContext<SessionValue | null>(null);

export function SessionProvider({ children }: { children: ReactNode }) {
  const [session, setSession] = useState<SessionState>({ state: "asking" });

  useEffect(() => {
    let current = true;
    getSession().then(
      (answer) =>
        current && setSession(answer.signed_in ? { state: "in", account: answer.account ?? "" } : { state: "out" }),
      () => current && setSession({ state: "out" }),
    );
    const stop = onSignedOut(() => {
      accountFeed.stop();
      setSession({ state: "out" });
    });
    return () => {
      current = false;
      stop();
    };
  }, []);

  const signedIn = useCallback((account: string) => setSession({ state: "in", account }), []);
  const signOut = useCallback(async () => {
    await endSession();
    accountFeed.stop();
    setSession({ state: "out" });
  }, []);

  const value = useMemo(() => ({ session, signedIn, signOut }), [session, signedIn, signOut]);
  return <SessionContext value={value}>{children}</SessionContext>;
}

export function useSession(): SessionValue {
  const value = useContext(SessionContext);
  if (!value) throw new Error("SessionProvider is missing");
  return value;
}
