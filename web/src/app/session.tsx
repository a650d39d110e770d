/** Whether someone is signed in: asked once when the page loads, told by each answer after that. */
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { onSignedOut, Problem } from "../api/http.ts";
import { getSession, signOut as endSession } from "../api/service.ts";
import { accountFeed } from "../live/account.ts";

export type SessionState =
  | { state: "asking" }
  | { state: "failed"; problem: Problem }
  | { state: "out" }
  | { state: "in"; account: string };

/** How long the account's stream may be away before the session is asked for again. */
const sessionDoubtMilliseconds = 1_000;

interface SessionValue {
  session: SessionState;
  /** After a sign-in or a confirmed registration. */
  signedIn: (account: string) => void;
  signOut: () => Promise<void>;
  /** Asks again after a failure. */
  ask: () => void;
}

const SessionContext = createContext<SessionValue | null>(null);

export function SessionProvider({ children }: { children: ReactNode }) {
  const [session, setSession] = useState<SessionState>({ state: "asking" });

  const ask = useCallback(() => {
    getSession().then(
      (answer) => setSession(answer.signed_in ? { state: "in", account: answer.account ?? "" } : { state: "out" }),
      (error: unknown) => {
        const problem = error instanceof Problem ? error : new Problem("unexpected", 0, String(error), null, {});
        setSession((was) => (was.state === "asking" || was.state === "failed" ? { state: "failed", problem } : was));
      },
    );
  }, []);

  useEffect(() => {
    ask();
    // Told by one answer: it may belong to a token that this browser has replaced since, so the Service is asked who is there.
    const stop = onSignedOut(() => {
      getSession().then(
        (answer) => {
          if (answer.signed_in) return;
          accountFeed.stop();
          setSession({ state: "out" });
        },
        () => undefined,
      );
    });
    // A stream that does not come back may be a session that has ended: ask, before calling it the connection.
    let asking: ReturnType<typeof setTimeout> | undefined;
    const stopLooking = accountFeed.listen(() => {
      clearTimeout(asking);
      if (accountFeed.state !== "offline") return;
      asking = setTimeout(ask, sessionDoubtMilliseconds);
    });
    return () => {
      clearTimeout(asking);
      stopLooking();
      stop();
    };
  }, [ask]);

  const signedIn = useCallback((account: string) => setSession({ state: "in", account }), []);
  const signOut = useCallback(async () => {
    await endSession();
    accountFeed.stop();
    setSession({ state: "out" });
  }, []);

  const value = useMemo(() => ({ session, signedIn, signOut, ask }), [session, signedIn, signOut, ask]);
  return <SessionContext value={value}>{children}</SessionContext>;
}

export function useSession(): SessionValue {
  const value = useContext(SessionContext);
  if (!value) throw new Error("SessionProvider is missing");
  return value;
}
