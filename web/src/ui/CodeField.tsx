import { useState } from "react";
import { useI18n } from "../i18n/index.tsx";
import { Button } from "./Button.tsx";
import { TextField } from "./Field.tsx";

interface CodeFieldProps {
  /** The proofs that would do; where a recovery code is one of them, it can be chosen. */
  proofs: string[];
  value: string;
  onChange: (code: string) => void;
}

/** A code of the authenticator app or, chosen, a recovery code. */
export function CodeField({ proofs, value, onChange }: CodeFieldProps) {
  const { t } = useI18n();
  const [chosen, setChosen] = useState(false);
  const hasApp = proofs.includes("totp");
  const recovery = chosen || !hasApp;
  const choose = () => {
    setChosen(!chosen);
    onChange("");
  };
  return (
    <>
      {recovery ? (
        <TextField
          key="recovery"
          label={t.stepUp.recovery}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
          maxLength={30}
          value={value}
          onChange={onChange}
        />
      ) : (
        <TextField
          key="code"
          label={t.stepUp.code}
          look="code"
          inputMode="numeric"
          autoComplete="one-time-code"
          autoFocus
          value={value}
          onChange={(typed) => onChange(typed.replace(/\D/g, "").slice(0, 6))}
        />
      )}
      {hasApp && proofs.includes("recovery_code") && (
        <p>
          <Button small kind="quiet" onClick={choose}>
            {recovery ? t.stepUp.useCode : t.stepUp.useRecovery}
          </Button>
        </p>
      )}
    </>
  );
}
