import { Component, lazy, type ReactNode, Suspense, useEffect, useState } from "react";
import { BrowserRouter, Navigate, Route, Routes, useLocation } from "react-router";
import { LanguageProvider, useI18n } from "../i18n/index.tsx";
import { accountFeed } from "../live/account.ts";
import { feed } from "../live/feed.ts";
import { Home } from "../pages/Home.tsx";
import { NotFound } from "../pages/NotFound.tsx";
import { Button } from "../ui/Button.tsx";
import { Failed, Skeleton } from "../ui/States.tsx";
import { ToastProvider } from "../ui/Toast.tsx";
import { Footer } from "./Footer.tsx";
import { NewVersion } from "./NewVersion.tsx";
import { Header } from "./Header.tsx";
import { PreferencesProvider } from "./preferences.tsx";
import { SessionProvider, useSession } from "./session.tsx";
import { StepUp } from "./StepUp.tsx";

const Market = lazy(() => import("../pages/Market.tsx"));
const WhatWeHold = lazy(() => import("../pages/WhatWeHold.tsx"));
const HowWeKeepIt = lazy(() => import("../pages/HowWeKeepIt.tsx"));
const Security = lazy(() => import("../pages/Security.tsx"));
const Status = lazy(() => import("../pages/Status.tsx"));
const Register = lazy(() => import("../pages/Register.tsx"));
const SignIn = lazy(() => import("../pages/SignIn.tsx"));
const Wallet = lazy(() => import("../pages/Wallet.tsx"));
const Deposit = lazy(() => import("../pages/Deposit.tsx"));
const DepositOne = lazy(() => import("../pages/DepositOne.tsx"));
const Withdraw = lazy(() => import("../pages/Withdraw.tsx"));
const WithdrawOne = lazy(() => import("../pages/WithdrawOne.tsx"));
const Orders = lazy(() => import("../pages/Orders.tsx"));
const ApiKeys = lazy(() => import("../pages/ApiKeys.tsx"));
const AccountSecurity = lazy(() => import("../pages/AccountSecurity.tsx"));
const StatementPage = lazy(() => import("../pages/Statement.tsx"));
const MyData = lazy(() => import("../pages/MyData.tsx"));
const EraseMe = lazy(() => import("../pages/EraseMe.tsx"));
const Erased = lazy(() => import("../pages/Erased.tsx"));

const guarded: [string, ReactNode][] = [
  ["/wallet", <Wallet />],
  ["/statement", <StatementPage />],
  ["/deposit", <Deposit />],
  ["/deposit/:id", <DepositOne />],
  ["/withdraw", <Withdraw />],
  ["/withdraw/:id", <WithdrawOne />],
  ["/orders", <Orders />],
  ["/api-keys", <ApiKeys />],
  ["/account-security", <AccountSecurity />],
  ["/my-data", <MyData />],
  ["/my-data/erase", <EraseMe />],
];

export function App() {
  return (
    <PreferencesProvider>
      <LanguageProvider>
        <SessionProvider>
          <ToastProvider>
            <BrowserRouter>
              <Shell />
            </BrowserRouter>
          </ToastProvider>
        </SessionProvider>
      </LanguageProvider>
    </PreferencesProvider>
  );
}

function Shell() {
  const { t } = useI18n();
  const { pathname } = useLocation();
  return (
    <>
      <a className="skip" href="#content">
        {t.shell.skip}
      </a>
      <Header />
      <Offline />
      <NewVersion />
      <main id="content" tabIndex={-1}>
        <Fence key={pathname}>
          <Suspense fallback={<Waiting />}>
            <Routes>
              <Route path="/" element={<Home />} />
              <Route path="/market/:symbol" element={<Market />} />
              <Route path="/what-we-hold" element={<WhatWeHold />} />
              <Route path="/how-we-keep-it" element={<HowWeKeepIt />} />
              <Route path="/security" element={<Security />} />
              <Route path="/status" element={<Status />} />
              <Route path="/register" element={<Register />} />
              <Route path="/sign-in" element={<SignIn />} />
              <Route path="/erased/:subject" element={<Erased />} />
              {guarded.map(([path, page]) => (
                <Route key={path} path={path} element={<SignedIn>{page}</SignedIn>} />
              ))}
              <Route path="*" element={<NotFound />} />
            </Routes>
          </Suspense>
        </Fence>
      </main>
      <Footer />
      <StepUp />
    </>
  );
}

function Waiting() {
  return (
    <div className="page">
      <Skeleton lines={6} />
    </div>
  );
}

/** Pages of an account: whoever is not signed in goes to sign in first and comes back. */
function SignedIn({ children }: { children: ReactNode }) {
  const { session, ask } = useSession();
  const { pathname, search } = useLocation();
  if (session.state === "failed")
    return (
      <div className="page narrow">
        <Failed problem={session.problem} retry={ask} />
      </div>
    );
  if (session.state === "asking") return <Waiting />;
  if (session.state === "out")
    return <Navigate to={`/sign-in?next=${encodeURIComponent(pathname + search)}`} replace />;
  return children;
}

/** Shown when live data has been away for longer than a blink, or the browser is offline. */
function Offline() {
  const { t } = useI18n();
  const [away, setAway] = useState(false);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = () => {
      const lost = [feed.state, accountFeed.state].includes("offline") || !navigator.onLine;
      clearTimeout(timer);
      if (lost) timer = setTimeout(() => setAway(true), 1_500);
      else setAway(false);
    };
    look();
    const stops = [feed.listen(look), accountFeed.listen(look)];
    window.addEventListener("online", look);
    window.addEventListener("offline", look);
    return () => {
      clearTimeout(timer);
      for (const stop of stops) stop();
      window.removeEventListener("online", look);
      window.removeEventListener("offline", look);
    };
  }, []);
  return (
    <div role="status" aria-live="polite">
      {away && <p className="offline-bar">{t.common.offline}</p>}
    </div>
  );
}

/** A fault in one page leaves the rest standing and offers to load again. */
class Fence extends Component<{ children: ReactNode }, { broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError() {
    return { broken: true };
  }

  override render() {
    return this.state.broken ? <Broken /> : this.props.children;
  }
}

function Broken() {
  const { t } = useI18n();
  return (
    <div className="page narrow" role="alert">
      <h1>{t.common.brokenTitle}</h1>
      <p className="lead">{t.common.brokenText}</p>
      <div className="actions">
        <Button kind="primary" onClick={() => window.location.reload()}>
          {t.common.reload}
        </Button>
      </div>
    </div>
  );
}
