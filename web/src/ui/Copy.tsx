import { useRef, useState } from "react";
import { useI18n } from "../i18n/index.tsx";
import { Button } from "./Button.tsx";

/** A value that a person takes elsewhere, with a button that copies it. */
export function Copyable({ value, label }: { value: string; label: string }) {
  const { t } = useI18n();
  const [copied, setCopied] = useState(false);
  const text = useRef<HTMLElement>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value);
      setCopied(true);
      setTimeout(() => setCopied(false), 2_000);
    } catch {
      // Not allowed here: mark the text, so that one key copies it.
      if (text.current) window.getSelection()?.selectAllChildren(text.current);
    }
  };
  return (
    <div className="copyable">
      <code className="mono" ref={text}>{value}</code>
      <Button small onClick={() => void copy()} aria-label={`${t.common.copy}: ${label}`}>
        <span aria-live="polite">{copied ? t.common.copied : t.common.copy}</span>
      </Button>
    </div>
  );
}
