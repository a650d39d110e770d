import { useId } from "react";

interface SegmentsProps<T extends string> {
  label: string;
  value: T;
  onChange: (value: T) => void;
  options: { value: T; label: string; className?: string }[];
  /** Shows the label; it is always there for screen readers. */
  labelled?: boolean;
  className?: string;
}

/** One of a few, all visible: a group of radio buttons. */
export function Segments<T extends string>({ label, value, onChange, options, labelled, className }: SegmentsProps<T>) {
  const name = useId();
  return (
    <fieldset className="field">
      <legend className={labelled ? "label" : "visually-hidden"}>{label}</legend>
      <div className={`segments ${className ?? ""}`}>
        {options.map((option) => (
          <label key={option.value} className={option.className}>
            <input
              type="radio"
              name={name}
              value={option.value}
              checked={option.value === value}
              onChange={() => onChange(option.value)}
            />
            {option.label}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
