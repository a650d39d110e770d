import { useRef, useState } from "react";
import { useI18n } from "../i18n/index.tsx";
import { Button } from "../ui/Button.tsx";
import { Notice } from "../ui/States.tsx";

/** New recovery codes, this once. */
export function RecoveryCodes({ codes, onKept }: { codes: string[]; onKept: () => void }) {
  const { t } = useI18n();
  const [copied, setCopied] = useState(false);
  const list = useRef<HTMLOListElement>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(codes.join("\n"));
      setCopied(true);
    } catch {
      // Not allowed here: mark them, so that one key copies them.
      if (list.current) window.getSelection()?.selectAllChildren(list.current);
    }
  };
  return (
    <section className="panel" aria-labelledby="codes">
      <h2 id="codes">{t.accountSecurity.codesTitle}</h2>
      <Notice tone="caution">{t.accountSecurity.codesLead}</Notice>
      <ol className="codes" ref={list}>
        {codes.map((code) => (
          <li key={code}>
            <code className="mono">{code}</code>
          </li>
        ))}
      </ol>
      <div className="actions">
        <Button onClick={() => void copy()}>
          <span aria-live="polite">{copied ? t.common.copied : t.common.copy}</span>
        </Button>
        <Button kind="primary" onClick={onKept}>
          {t.accountSecurity.codesKept}
        </Button>
      </div>
    </section>
  );
}
