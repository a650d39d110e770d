import { type FormEvent, type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { newKey, Problem } from "../api/http.ts";
import type { Asset, Range } from "../api/types.ts";
import { useI18n } from "../i18n/index.tsx";
import { type Decimal, roundDown, toText } from "../lib/decimal.ts";
import { writeAmount } from "../lib/format.ts";
import { Button } from "../ui/Button.tsx";
import { Facts } from "../ui/Facts.tsx";
import { MoneyField } from "../ui/Field.tsx";
import { Segments } from "../ui/Segments.tsx";
import { Notice } from "../ui/States.tsx";
import { type AmountFault, checkAmount, quickAmounts } from "./amount.ts";

interface AmountFormProps {
  assets: Asset[];
  limits: Record<string, Range>;
  asset: string;
  onAsset: (asset: string) => void;
  /** Available of the chosen asset; `null` for deposits. */
  available: Decimal | null;
  /** Offers the whole available amount instead of round ones. */
  withdrawal?: boolean;
  initialAmount?: string;
  /** Rows of the preview for an amount that is sound. */
  preview: (amount: string) => { term: ReactNode; value: ReactNode; total?: boolean }[];
  handover: string;
  /** Creates it and gives the address to go to. Called again with the same key after a failure. */
  create: (amount: string, key: string) => Promise<string | null>;
}

/** Amount, preview, then the way to EnsoExPAY. */
export function AmountForm(props: AmountFormProps) {
  const { assets, limits, asset, onAsset, available, withdrawal, preview, handover, create } = props;
  const { t, language, number, problem: problemText } = useI18n();
  const [typed, setTyped] = useState(props.initialAmount ? writeAmount(props.initialAmount, language) : "");
  const [checked, setChecked] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const underWay = useRef(false);
  /** One intention, one key; a changed amount or currency is another. */
  const key = useRef(newKey());
  const form = useRef<HTMLFormElement>(null);
  const chosen = assets.find((entry) => entry.code === asset);
  const decimals = chosen?.display_decimals ?? 2;
  const range = limits[asset];
  const { fault, text } = useMemo(
    () => checkAmount(typed, language, decimals, range, available),
    [typed, language, decimals, range, available],
  );

  // Coming back by the browser's own button restores the page as it was left: let it be used again.
  useEffect(() => {
    const shown = (event: PageTransitionEvent) => {
      if (!event.persisted) return;
      underWay.current = false;
      key.current = newKey();
      setBusy(false);
    };
    window.addEventListener("pageshow", shown);
    return () => window.removeEventListener("pageshow", shown);
  }, []);

  const change = (value: string) => {
    key.current = newKey();
    setProblem(null);
    setTyped(value);
  };
  const money = (value: string) => `${number(value, { decimalsMin: decimals })} ${asset}`;
  const words: Record<AmountFault, string> = {
    empty: t.deposit.enterAmount,
    unreadable: t.deposit.unreadable,
    zero: t.errors.invalid_amount,
    decimals: t.deposit.tooPrecise(decimals),
    low: t.deposit.tooLow(money(range?.min ?? "0")),
    high: t.deposit.tooHigh(money(range?.max ?? "0")),
    balance: t.errors.insufficient_balance,
  };
  const atField = problem !== null && (problem.field === "amount" || problem.field === "asset");
  const error = atField ? problemText(problem) : fault && (checked || (fault !== "empty" && fault !== "low")) ? words[fault] : null;

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (underWay.current) return;
    setChecked(true);
    setProblem(null);
    if (text === null) {
      requestAnimationFrame(() => form.current?.querySelector<HTMLElement>("[aria-invalid]")?.focus());
      return;
    }
    underWay.current = true;
    setBusy(true);
    try {
      const address = await create(text, key.current);
      // The page is left: it stays busy, so that a second click does nothing.
      if (address !== null) window.location.assign(address);
    } catch (failure) {
      setProblem(failure instanceof Problem ? failure : new Problem("unexpected", 0, String(failure), null, {}));
      underWay.current = false;
      setBusy(false);
    }
  };

  const whole = available && chosen ? toText(roundDown(available, decimals)) : null;
  return (
    <form className="form" ref={form} onSubmit={(event) => void submit(event)} noValidate>
      {assets.length > 1 && (
        <Segments
          label={t.deposit.asset}
          labelled
          value={asset}
          onChange={(code) => {
            onAsset(code);
            change("");
            setChecked(false);
          }}
          options={assets.map(({ code }) => ({ value: code, label: code }))}
        />
      )}
      <MoneyField
        label={t.deposit.amount}
        unit={asset}
        large
        value={typed}
        onChange={change}
        error={error}
        hint={range && t.deposit.limits(money(range.min), money(range.max))}
        aside={
          whole !== null && (
            <>
              {t.withdraw.available} <span className="strong">{money(toText(available ?? { units: 0n, scale: 0 }))}</span>
            </>
          )
        }
      />
      <div className="quick" role="group" aria-label={t.deposit.quick}>
        {withdrawal
          ? whole !== null && (
              <Button small onClick={() => change(writeAmount(whole, language))}>
                {t.withdraw.all}
              </Button>
            )
          : range &&
            quickAmounts(range).map((value) => (
              <Button key={value} small onClick={() => change(writeAmount(value, language))}>
                {number(value)}
              </Button>
            ))}
      </div>
      {text !== null && (
        <div className="panel flat">
          <h2 className="small">{t.deposit.preview}</h2>
          <Facts rows={preview(text)} />
        </div>
      )}
      {problem && !atField && <Notice tone="problem">{problemText(problem)}</Notice>}
      <div className="form tight">
        <Button type="submit" kind="primary" wide busy={busy}>
          {t.deposit.submit}
        </Button>
        <p className="hint">{handover}</p>
      </div>
    </form>
  );
}
