import type { ButtonHTMLAttributes, MouseEvent } from "react";
import { Link, type LinkProps } from "react-router";

export type ButtonKind = "primary" | "secondary" | "quiet" | "danger" | "buy" | "sell";

interface Look {
  kind?: ButtonKind;
  small?: boolean;
  wide?: boolean;
}

function classes({ kind = "secondary", small, wide }: Look): string {
  return ["button", kind, small && "small", wide && "wide"].filter(Boolean).join(" ");
}

interface ButtonProps extends Look, ButtonHTMLAttributes<HTMLButtonElement> {
  /** Under way: keeps focus and label, ignores further clicks. */
  busy?: boolean;
}

export function Button({ kind, small, wide, busy, children, onClick, type = "button", ...rest }: ButtonProps) {
  const click = (event: MouseEvent<HTMLButtonElement>) => {
    if (busy) event.preventDefault();
    else onClick?.(event);
  };
  return (
    <button
      {...rest}
      type={type}
      className={classes({ kind, small, wide })}
      aria-disabled={busy || undefined}
      aria-busy={busy || undefined}
      onClick={click}
    >
      {busy && <span className="busy" aria-hidden="true" />}
      {children}
    </button>
  );
}

export function ButtonLink({ kind, small, wide, className, ...rest }: Look & Omit<LinkProps, "className"> & { className?: string }) {
  return <Link {...rest} className={`${classes({ kind, small, wide })} ${className ?? ""}`} />;
}
