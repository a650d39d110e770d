import { type FormEvent, useEffect, useMemo, useRef, useState } from "react";
import { Link, useLocation } from "react-router";
import { newKey, Problem } from "../api/http.ts";
import { placeOco, placeOrder } from "../api/service.ts";
import type { Asset, Balance, Market, Order, Side } from "../api/types.ts";
import { useSession } from "../app/session.tsx";
import { useI18n } from "../i18n/index.tsx";
import { add, decimal, isZero, stepScale, toText } from "../lib/decimal.ts";
import { writeAmount } from "../lib/format.ts";
import { Button, ButtonLink } from "../ui/Button.tsx";
import { Dialog } from "../ui/Dialog.tsx";
import { MoneyField } from "../ui/Field.tsx";
import { Segments } from "../ui/Segments.tsx";
import { Notice } from "../ui/States.tsx";
import { useToast } from "../ui/Toast.tsx";
import { assess, directionOf, type Draft, type DraftType, draftTypes, quantityFor, shareOf, type Surroundings, totalOf } from "./orderDraft.ts";
import { OrderPreview } from "./OrderPreview.tsx";
import { type Field, faultText, fieldOf } from "./orderFaults.ts";
import type { BookView } from "./useBook.ts";

interface OrderFormProps {
  market: Market;
  base: Asset;
  quote: Asset;
  book: BookView;
  balances: Balance[] | undefined;
  /** Price of the last trade. */
  last: string | undefined;
  /** A price chosen in the book; `round` grows with each choice. */
  chosen: { price: string; round: number } | null;
  onPlaced: (order: Order) => void;
}

const shares = [25, 50, 75, 100];
const blank = { stop: "", waitsFor: null, stopLimit: "", price: "", quantity: "", total: "" };

export function OrderForm({ market, base, quote, book, balances, last, chosen, onPlaced }: OrderFormProps) {
  const { t, language, number, problem: problemText } = useI18n();
  const { session } = useSession();
  const { pathname } = useLocation();
  const toast = useToast();
  const [draft, setDraft] = useState<Draft>({ side: "buy", type: "limit", ...blank, sizedBy: "quantity" });
  const [checked, setChecked] = useState(false);
  const [refusal, setRefusal] = useState<Problem | null>(null);
  /** The market order that waits for a second yes: fixed, whatever the book does meanwhile. */
  const [asking, setAsking] = useState<ReturnType<typeof assess>["order"]>(null);
  const [busy, setBusy] = useState(false);
  const underWay = useRef(false);
  /** Names this one intention; a changed form is another. A retry of the same carries the same. */
  const clientOrderId = useRef(`web-${newKey()}`);
  const form = useRef<HTMLFormElement>(null);

  const payAsset = draft.side === "buy" ? quote : base;
  const balance = balances?.find((entry) => entry.asset === payAsset.code);
  const around: Surroundings = useMemo(
    () => ({
      market,
      base,
      quote,
      bids: book.bids,
      asks: book.asks,
      last: last ? decimal(last) : null,
      available: balance ? decimal(balance.available) : null,
      language,
    }),
    [market, base, quote, book, last, balance, language],
  );
  const { faults, order, pair, preview, waitsFor } = useMemo(() => assess(draft, around), [draft, around]);

  const change = (part: Partial<Draft>) => {
    clientOrderId.current = `web-${newKey()}`;
    setRefusal(null);
    setDraft((was) => ({ ...was, ...part }));
  };
  const setPrice = (price: string) =>
    change({ price, total: writeAmount(totalOf(price, draft.quantity, around), language) });
  const setQuantity = (quantity: string) =>
    change({
      quantity,
      sizedBy: "quantity",
      total: draft.type === "market" ? "" : writeAmount(totalOf(draft.price, quantity, around), language),
    });
  const setTotal = (total: string) =>
    change({
      total,
      sizedBy: "total",
      quantity: draft.type === "market" ? "" : writeAmount(quantityFor(total, draft.price, around), language),
    });
  const setShare = (percent: number) => {
    const share = shareOf(percent, draft, around);
    if (!share) return;
    if ("total" in share) setTotal(writeAmount(share.total, language));
    else setQuantity(writeAmount(share.quantity, language));
  };

  useEffect(() => {
    if (!chosen) return;
    clientOrderId.current = `web-${newKey()}`;
    setRefusal(null);
    setDraft((was) => {
      const price = writeAmount(chosen.price, language);
      const type = was.type === "market" ? "limit" : was.type;
      return { ...was, type, price, total: writeAmount(totalOf(price, was.quantity, around), language) };
    });
    // Only a choice in the book sets the price; a book or language that changes later does not.
  }, [chosen]);

  const send = async (place: () => Promise<void>) => {
    if (underWay.current) return;
    underWay.current = true;
    setBusy(true);
    try {
      await place();
    } catch (error) {
      const problem = error instanceof Problem ? error : new Problem("unexpected", 0, String(error), null, {});
      setAsking(null);
      setRefusal(problem);
    } finally {
      underWay.current = false;
      setBusy(false);
    }
  };

  const sendOrder = (order: NonNullable<typeof asking>) =>
    send(async () => finish(await placeOrder({ ...order, client_order_id: clientOrderId.current })));
  const sendPair = (pair: NonNullable<ReturnType<typeof assess>["pair"]>) =>
    send(async () => {
      const placed = await placeOco({ ...pair, list_client_order_id: clientOrderId.current });
      toast(t.orderForm.placedOco);
      begin(placed.orders[0]);
    });

  const finish = (placed: Order) => {
    const filled = number(placed.executed_quantity, { decimalsMin: 0 });
    if (placed.status === "filled")
      toast(t.orderForm.filled(`${filled} ${base.code}`, `${average(placed)} ${quote.code}`));
    else if (!isZero(decimal(placed.executed_quantity))) toast(t.orderForm.partly(`${filled} ${base.code}`));
    else if (placed.status === "expired") toast(t.orderForm.expired);
    else toast(placed.stop_price ? t.orderForm.placedStop : t.orderForm.placed);
    begin(placed);
  };
  /** The form is there for another order. */
  const begin = (placed: Order) => {
    clientOrderId.current = `web-${newKey()}`;
    setAsking(null);
    setChecked(false);
    setDraft((was) => ({ ...was, quantity: "", total: "" }));
    onPlaced(placed);
  };
  const average = (placed: Order) =>
    placed.average_price ? number(placed.average_price, { decimals: stepScale(market.tick_size) }) : "";

  const submit = (event: FormEvent) => {
    event.preventDefault();
    setChecked(true);
    setRefusal(null);
    if (!order && !pair) {
      requestAnimationFrame(() => form.current?.querySelector<HTMLElement>("[aria-invalid]")?.focus());
      return;
    }
    if (pair) void sendPair(pair);
    else if (draft.type === "market") setAsking(order);
    else if (order) void sendOrder(order);
  };

  const refusedField = refusal && fieldOf(refusal, draft);
  const errorOf = (field: Field): string | null => {
    if (refusal && refusedField === field) return problemText(refusal);
    const fault = faults[field];
    // What is still empty or half typed is only told after the first try; what is plainly wrong, at once.
    if (!fault || (!checked && (fault === "empty" || draft[field] === ""))) return null;
    return faultText(fault, field, market, t, number);
  };

  /** What a market order sized by the other field would come to. */
  const estimate = (asset: "base" | "quote"): string | undefined => {
    if (!preview || preview.short) return undefined;
    const value = (asset === "base") === (draft.side === "buy") ? add(preview.receive, preview.fee) : preview.pay;
    return `≈ ${number(toText(value), { decimalsMin: 2 })}`;
  };
  const isMarket = draft.type === "market";
  const placeLabel = draft.side === "buy" ? t.orderForm.placeBuy : t.orderForm.placeSell;
  const closed = market.state !== "trading";
  return (
    <>
      <form className="order-form" ref={form} onSubmit={submit} noValidate aria-label={t.orderForm.title(`${base.code}/${quote.code}`)}>
        <Segments
          label={t.orderForm.side}
          className="sides"
          value={draft.side}
          onChange={(side: Side) => change({ side })}
          options={[
            { value: "buy", label: `${t.orderForm.buy} ${base.code}`, className: "buy" },
            { value: "sell", label: `${t.orderForm.sell} ${base.code}`, className: "sell" },
          ]}
        />
        <Segments
          label={t.orderForm.type}
          value={draft.type}
          onChange={(type: DraftType) =>
            change({ type, sizedBy: "quantity", total: type === "market" ? "" : writeAmount(totalOf(draft.price, draft.quantity, around), language) })
          }
          options={draftTypes.map((value) => ({ value, label: t.orderForm[value] }))}
        />
        <p className="hint">{t.orderForm.typeText[draft.type]}</p>
        {draft.type === "stop_limit" && (
          <>
            <MoneyField
              label={t.orderForm.stop}
              unit={quote.code}
              value={draft.stop}
              onChange={(stop) => change({ stop, waitsFor: directionOf(stop, around) })}
              error={errorOf("stop")}
            />
            {waitsFor && order?.stop_price && (
              <p className="hint">{t.orderForm.waitsFor[waitsFor](`${number(order.stop_price)} ${quote.code}`)}</p>
            )}
          </>
        )}
        {!isMarket && (
          <MoneyField
            label={draft.type === "oco" ? t.orderForm.limitPrice : t.orderForm.price}
            unit={quote.code}
            value={draft.price}
            onChange={setPrice}
            error={errorOf("price")}
            aside={
              last && (
                <button type="button" className="use-last" onClick={() => setPrice(writeAmount(last, language))}>
                  {t.market.last} {number(last, { decimals: stepScale(market.tick_size) })}
                </button>
              )
            }
          />
        )}
        {draft.type === "oco" && (
          <>
            <MoneyField
              label={t.orderForm.stop}
              unit={quote.code}
              value={draft.stop}
              onChange={(stop) => change({ stop })}
              error={errorOf("stop")}
            />
            <MoneyField
              label={t.orderForm.stopLimit}
              unit={quote.code}
              value={draft.stopLimit}
              onChange={(stopLimit) => change({ stopLimit })}
              error={errorOf("stopLimit")}
            />
          </>
        )}
        <MoneyField
          label={t.orderForm.quantity}
          unit={base.code}
          value={draft.quantity}
          onChange={setQuantity}
          placeholder={isMarket && draft.quantity === "" ? estimate("base") : undefined}
          error={errorOf("quantity")}
        />
        {session.state === "in" && (
          <div className="shares" role="group" aria-label={t.orderForm.share}>
            {shares.map((percent) => (
              <button
                key={percent}
                type="button"
                disabled={!around.available || isZero(around.available) || (!isMarket && draft.side === "buy" && draft.price === "")}
                onClick={() => setShare(percent)}
              >
                {percent} %
              </button>
            ))}
          </div>
        )}
        <MoneyField
          label={isMarket && draft.sizedBy === "quantity" ? t.orderForm.totalAbout : t.orderForm.total}
          unit={quote.code}
          value={draft.total}
          onChange={setTotal}
          placeholder={isMarket && draft.total === "" ? estimate("quote") : undefined}
          error={errorOf("total")}
          aside={
            balance && (
              <>
                {t.orderForm.available}{" "}
                <span className="strong">{number(balance.available, { decimalsMin: Math.min(2, payAsset.display_decimals) })}</span>{" "}
                {payAsset.code}
              </>
            )
          }
        />
        {preview && !faults.price && !faults.quantity && <OrderPreview draft={draft} preview={preview} around={around} />}
        {refusal && !refusedField && (
          <Notice tone="problem">{refusal.code === "unreachable" ? t.orderForm.uncertain : problemText(refusal)}</Notice>
        )}
        {closed && <Notice tone="caution">{t.market.stateText[market.state]}</Notice>}
        {session.state === "out" ? (
          <>
            <ButtonLink to={`/sign-in?next=${encodeURIComponent(pathname)}`} kind="primary" wide>
              {t.orderForm.signIn}
            </ButtonLink>
            <p className="hint">
              {t.orderForm.signInText} <Link to="/register">{t.home.register}</Link>
            </p>
          </>
        ) : (
          <Button type="submit" kind={draft.side} wide busy={busy && !asking} disabled={closed || session.state !== "in"}>
            {placeLabel}
          </Button>
        )}
        {session.state === "in" && around.available && isZero(around.available) && payAsset.card && (
          <p className="hint">
            <Link to="/deposit">{t.orderForm.deposit}</Link>
          </p>
        )}
      </form>
      {asking && (
        <Dialog title={t.orderForm.confirmTitle[draft.side]} onClose={() => setAsking(null)}>
          <p className="soft small">{t.orderForm.confirmText}</p>
          {preview ? (
            <OrderPreview draft={draft} preview={preview} around={around} />
          ) : (
            <Notice tone="caution">{t.errors.no_liquidity}</Notice>
          )}
          <div className="actions">
            <Button onClick={() => setAsking(null)}>{t.common.back}</Button>
            <Button kind={draft.side} busy={busy} onClick={() => void sendOrder(asking)} autoFocus>
              {placeLabel}
            </Button>
          </div>
        </Dialog>
      )}
    </>
  );
}
