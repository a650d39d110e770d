import { useEffect, useId, useRef, useState } from "react";
import { Link, NavLink, useLocation, useNavigate } from "react-router";
import { Problem } from "../api/http.ts";
import { useI18n, languageNames } from "../i18n/index.tsx";
import { documents } from "../lib/documents.ts";
import type { Language } from "../lib/format.ts";
import { Button, ButtonLink } from "../ui/Button.tsx";
import { Mark } from "../ui/Mark.tsx";
import { Segments } from "../ui/Segments.tsx";
import { useToast } from "../ui/Toast.tsx";
import { type Theme, usePreferences } from "./preferences.tsx";
import { useSession } from "./session.tsx";

export function Header() {
  const { t, language } = useI18n();
  const { session } = useSession();
  const signedIn = session.state === "in";
  return (
    <header className="header">
      <div className="header-row">
        <Link to="/" className="brand" aria-label={t.shell.home}>
          <Mark />
          <span aria-hidden="true">EnsoEx</span>
        </Link>
        <nav className="nav" aria-label={t.shell.main}>
          <NavLink to="/" end>
            {t.shell.markets}
          </NavLink>
          {signedIn && <NavLink to="/wallet">{t.shell.wallet}</NavLink>}
          {signedIn && <NavLink to="/orders">{t.shell.orders}</NavLink>}
          {!signedIn && <NavLink to="/what-we-hold">{t.shell.whatWeHold}</NavLink>}
          {!signedIn && <a href={documents(language)}>{t.shell.documents}</a>}
        </nav>
        <div className="header-end">
          {(session.state === "out" || session.state === "failed") && (
            <>
              <ButtonLink to="/sign-in" kind="quiet" small className="sign-in">
                {t.shell.signIn}
              </ButtonLink>
              <ButtonLink to="/register" small>
                {t.shell.register}
              </ButtonLink>
            </>
          )}
          {signedIn && (
            <ButtonLink to="/deposit" small>
              {t.shell.deposit}
            </ButtonLink>
          )}
          <Menu />
        </div>
      </div>
    </header>
  );
}

/** Account, pages that are not in the row, language and theme. */
function Menu() {
  const { t, problem: problemText } = useI18n();
  const { session, signOut } = useSession();
  const { language, setLanguage, theme, setTheme } = usePreferences();
  const [open, setOpen] = useState(false);
  const frame = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  const { pathname } = useLocation();
  const navigate = useNavigate();
  const toast = useToast();

  useEffect(() => setOpen(false), [pathname]);
  useEffect(() => {
    if (!open) return;
    const outside = (event: PointerEvent) => {
      if (!frame.current?.contains(event.target as Node)) setOpen(false);
    };
    const escape = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      setOpen(false);
      button.current?.focus();
    };
    document.addEventListener("pointerdown", outside);
    document.addEventListener("keydown", escape);
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("keydown", escape);
    };
  }, [open]);

  const leave = async () => {
    try {
      await signOut();
      toast(t.shell.signedOut);
      void navigate("/");
    } catch (error) {
      toast(error instanceof Problem ? problemText(error) : t.errors.unexpected);
    }
  };

  const signedIn = session.state === "in";
  const links: [string, string][] = signedIn
    ? [
        ["/", t.shell.markets],
        ["/wallet", t.shell.wallet],
        ["/orders", t.shell.orders],
        ["/deposit", t.shell.deposit],
        ["/withdraw", t.shell.withdraw],
        ["/api-keys", t.shell.apiKeys],
        ["/account-security", t.accountSecurity.short],
        ["/my-data", t.shell.myData],
      ]
    : [
        ["/", t.shell.markets],
        ["/what-we-hold", t.shell.whatWeHold],
        ["/how-we-keep-it", t.shell.howWeKeepIt],
        ["/security", t.security.title],
        ["/status", t.shell.status],
      ];

  return (
    <div className="menu" ref={frame}>
      <button
        ref={button}
        type="button"
        className="button quiet small"
        aria-label={t.shell.menu}
        aria-expanded={open}
        aria-controls={id}
        onClick={() => setOpen(!open)}
      >
        <svg width="18" height="18" viewBox="0 0 18 18" aria-hidden="true">
          <path d="M2 5.5h14M2 12.5h14" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" />
        </svg>
        <span className="menu-label">{t.shell.menu}</span>
      </button>
      {open && (
        <div className="menu-panel" id={id}>
          {signedIn && <p className="menu-account">{t.shell.accountMenu(session.account)}</p>}
          <ul>
            {session.state === "out" && (
              <li className="menu-narrow">
                <NavLink to="/sign-in">{t.shell.signIn}</NavLink>
              </li>
            )}
            {!signedIn && (
              <li>
                <a href={documents(language)}>{t.shell.documents}</a>
              </li>
            )}
            {links.map(([to, label]) => (
              <li key={to}>
                <NavLink to={to} end={to === "/"}>
                  {label}
                </NavLink>
              </li>
            ))}
          </ul>
          <Segments
            label={t.shell.language}
            labelled
            value={language}
            onChange={(value: Language) => setLanguage(value)}
            options={(["en", "uk"] as const).map((value) => ({ value, label: languageNames[value] }))}
          />
          <Segments
            label={t.shell.theme}
            labelled
            value={theme}
            onChange={(value: Theme) => setTheme(value)}
            options={[
              { value: "auto", label: t.shell.themeAuto },
              { value: "light", label: t.shell.themeLight },
              { value: "dark", label: t.shell.themeDark },
            ]}
          />
          {signedIn && (
            <Button wide onClick={() => void leave()}>
              {t.shell.signOut}
            </Button>
          )}
        </div>
      )}
    </div>
  );
}
