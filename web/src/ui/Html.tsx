/**
 * The text of a published document. Its HTML is turned into elements from a closed list: nothing that runs,
 * styles or loads can come with it. Links within the site stay within the page.
 */
import { createElement, Fragment, type ReactNode, useMemo } from "react";
import { Link } from "react-router";

const allowed = new Set(
  "h1 h2 h3 h4 p ul ol li dl dt dd strong em b i code pre blockquote table thead tbody tr th td caption section div span br hr abbr dfn small sup".split(" "),
);
/** Headings go one level down: the page's own title is the first. */
const renamed: Record<string, string> = { h1: "h2", h2: "h2", h3: "h3", h4: "h3", b: "strong", i: "em" };
const dropped = new Set(["script", "style", "template", "iframe", "object", "title"]);

/** `title` names the document: its own heading is left out, and its tables are called by it. */
export function Html({ html, title }: { html: string; title: string }) {
  const content = useMemo(() => {
    const body = new DOMParser().parseFromString(html, "text/html").body;
    const first = body.querySelector("h1");
    if (first?.textContent?.trim() === title.trim()) first.remove();
    for (const table of body.querySelectorAll("table")) label(table, title);
    return children(body);
  }, [html, title]);
  return <>{content}</>;
}

/** Names the table, and each cell by its column, which a narrow screen shows beside it. */
function label(table: HTMLTableElement, title: string): void {
  table.setAttribute("data-of", title);
  const heads = Array.from(table.tHead?.rows[0]?.cells ?? [], (cell) => cell.textContent ?? "");
  for (const row of table.tBodies[0]?.rows ?? [])
    Array.from(row.cells).forEach((cell, index) => cell.setAttribute("data-label", heads[index] ?? ""));
}

function children(node: Node): ReactNode[] {
  return Array.from(node.childNodes, (child, index) => element(child, index));
}

function element(node: Node, key: number): ReactNode {
  if (node.nodeType === Node.TEXT_NODE) return node.textContent;
  if (!(node instanceof Element)) return null;
  const name = node.localName;
  if (dropped.has(name)) return null;
  const inside = children(node);
  if (name === "a") return anchor(node, inside, key);
  if (!allowed.has(name)) return <Fragment key={key}>{inside}</Fragment>;
  const properties: Record<string, unknown> = { key };
  if (node.id) properties.id = node.id;
  if (node.getAttribute("lang")) properties.lang = node.getAttribute("lang");
  if (node.getAttribute("data-label")) properties["data-label"] = node.getAttribute("data-label");
  if (name === "th") properties.scope = node.getAttribute("scope") ?? undefined;
  if (name === "br" || name === "hr") return createElement(name, properties);
  if (name === "table")
    return (
      <div key={key} className="table-frame" tabIndex={0} role="group" aria-label={node.getAttribute("data-of") ?? undefined}>
        {createElement("table", { className: "table stacks" }, ...inside)}
      </div>
    );
  return createElement(renamed[name] ?? name, properties, ...inside);
}

function anchor(node: Element, inside: ReactNode[], key: number): ReactNode {
  const address = node.getAttribute("href") ?? "";
  const id = node.id || undefined;
  if (address.startsWith("#"))
    return (
      <a key={key} id={id} href={address}>
        {inside}
      </a>
    );
  // `glossary#term` stands beside the document that links to it.
  const beside = /^[a-z][a-z-]*(#.*)?$/.test(address) ? `/documents/${address}` : null;
  if (beside || /^\/(?!\/)/.test(address))
    return (
      <Link key={key} id={id} to={beside ?? address}>
        {inside}
      </Link>
    );
  if (/^(https:\/\/|mailto:)/.test(address))
    return (
      <a key={key} id={id} href={address} rel="noreferrer noopener">
        {inside}
      </a>
    );
  return (
    <span key={key} id={id}>
      {inside}
    </span>
  );
}
