import { type InputHTMLAttributes, type ReactNode, type Ref, type TextareaHTMLAttributes, useId, useState } from "react";
import { useI18n } from "../i18n/index.tsx";

interface FrameProps {
  label: string;
  /** How to fill it. */
  hint?: ReactNode;
  /** Why it is asked and how long it is kept, for personal data. */
  why?: ReactNode;
  error?: string | null;
  /** Beside the label. */
  aside?: ReactNode;
}

interface Wiring {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": true | undefined;
}

/** Label, input, hint, reason and error of one field, tied together for assistive technology. */
export function Field({ label, hint, why, error, aside, children }: FrameProps & { children: (wiring: Wiring) => ReactNode }) {
  const id = useId();
  const described = [hint && `${id}-hint`, why && `${id}-why`, error && `${id}-error`].filter(Boolean).join(" ");
  return (
    <div className="field">
      <div className="label-row">
        <label htmlFor={id}>{label}</label>
        {aside && <span className="aside">{aside}</span>}
      </div>
      {children({ id, "aria-describedby": described || undefined, "aria-invalid": error ? true : undefined })}
      {error && (
        <p className="error-text" id={`${id}-error`} role="alert">
          {error}
        </p>
      )}
      {hint && (
        <div className="hint" id={`${id}-hint`}>
          {hint}
        </div>
      )}
      {why && (
        <p className="why" id={`${id}-why`}>
          {why}
        </p>
      )}
    </div>
  );
}

type Native = Omit<InputHTMLAttributes<HTMLInputElement>, "value" | "onChange" | "id">;

interface TextFieldProps extends FrameProps, Native {
  value: string;
  onChange: (value: string) => void;
  inputRef?: Ref<HTMLInputElement>;
  look?: "code";
}

export function TextField({ label, hint, why, error, aside, value, onChange, inputRef, look, ...native }: TextFieldProps) {
  return (
    <Field {...{ label, hint, why, error, aside }}>
      {(wiring) => (
        <div className={`input ${look ?? ""} ${error ? "invalid" : ""}`}>
          <input {...native} {...wiring} ref={inputRef} value={value} onChange={(event) => onChange(event.target.value)} />
        </div>
      )}
    </Field>
  );
}

export function PasswordField({ label, hint, why, error, aside, value, onChange, ...native }: TextFieldProps) {
  const { t } = useI18n();
  const [shown, setShown] = useState(false);
  return (
    <Field {...{ label, hint, why, error, aside }}>
      {(wiring) => (
        <div className={`input ${error ? "invalid" : ""}`}>
          <input
            {...native}
            {...wiring}
            type={shown ? "text" : "password"}
            autoCapitalize="none"
            spellCheck={false}
            value={value}
            onChange={(event) => onChange(event.target.value)}
          />
          <button
            type="button"
            className="inside"
            aria-pressed={shown}
            aria-label={shown ? t.signIn.hidePassword : t.signIn.showPassword}
            onClick={() => setShown(!shown)}
          >
            {shown ? t.common.hide : t.common.show}
          </button>
        </div>
      )}
    </Field>
  );
}

interface MoneyFieldProps extends FrameProps {
  value: string;
  onChange: (value: string) => void;
  /** The asset's code. */
  unit: string;
  large?: boolean;
  /** What would stand there, such as an estimate. */
  placeholder?: string;
  autoFocus?: boolean;
  onBlur?: () => void;
}

/** An amount as typed: text, so that no digit is lost. */
export function MoneyField({ label, hint, why, error, aside, value, onChange, unit, large, ...native }: MoneyFieldProps) {
  return (
    <Field {...{ label, hint, why, error, aside }}>
      {(wiring) => (
        <div className={`input amount ${large ? "large" : ""} ${error ? "invalid" : ""}`}>
          <input
            {...native}
            {...wiring}
            inputMode="decimal"
            autoComplete="off"
            spellCheck={false}
            maxLength={40}
            value={value}
            onChange={(event) => onChange(event.target.value)}
          />
          <span className="unit" aria-hidden="true">
            {unit}
          </span>
        </div>
      )}
    </Field>
  );
}

interface AreaProps extends FrameProps, Omit<TextareaHTMLAttributes<HTMLTextAreaElement>, "value" | "onChange" | "id"> {
  value: string;
  onChange: (value: string) => void;
}

export function TextArea({ label, hint, why, error, aside, value, onChange, ...native }: AreaProps) {
  return (
    <Field {...{ label, hint, why, error, aside }}>
      {(wiring) => (
        <div className={`input ${error ? "invalid" : ""}`}>
          <textarea {...native} {...wiring} value={value} onChange={(event) => onChange(event.target.value)} />
        </div>
      )}
    </Field>
  );
}

interface SelectProps<T extends string> extends FrameProps {
  value: T;
  onChange: (value: T) => void;
  options: { value: T; label: string }[];
}

export function SelectField<T extends string>({ label, hint, why, error, aside, value, onChange, options }: SelectProps<T>) {
  return (
    <Field {...{ label, hint, why, error, aside }}>
      {(wiring) => (
        <div className="input">
          <select {...wiring} value={value} onChange={(event) => onChange(event.target.value as T)}>
            {options.map((option) => (
              <option key={option.value} value={option.value}>
                {option.label}
              </option>
            ))}
          </select>
        </div>
      )}
    </Field>
  );
}
