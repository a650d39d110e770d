import { type ReactNode, useEffect, useRef } from "react";
import { useLocation, useNavigationType } from "react-router";

interface PageProps {
  title: string;
  /** Under the title. */
  lead?: ReactNode;
  /** Beside the title. */
  actions?: ReactNode;
  kind?: "wide" | "narrow" | "text" | "bare";
  children: ReactNode;
}

let arrivals = 0;

/** Sets the tab's title; after a change of page moves focus to the heading and the scroll to the top. */
export function usePageTitle(title: string) {
  const heading = useRef<HTMLHeadingElement>(null);
  const { pathname } = useLocation();
  const navigation = useNavigationType();
  useEffect(() => {
    document.title = title === "EnsoEx" ? title : `${title} · EnsoEx`;
  }, [title]);
  useEffect(() => {
    arrivals += 1;
    if (arrivals === 1) return;
    heading.current?.focus({ preventScroll: true });
    if (navigation !== "POP") window.scrollTo(0, 0);
  }, [pathname, navigation]);
  return heading;
}

export function Page({ title, lead, actions, kind, children }: PageProps) {
  const heading = usePageTitle(title);
  return (
    <div className={`page ${kind ?? ""}`}>
      <div className={`page-head ${actions ? "split" : ""}`}>
        <div className="page-head">
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {lead && <p className="lead">{lead}</p>}
        </div>
        {actions && <div className="actions">{actions}</div>}
      </div>
      {children}
    </div>
  );
}
