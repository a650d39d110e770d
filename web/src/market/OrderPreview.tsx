import { useI18n } from "../i18n/index.tsx";
import { type Decimal, isZero, stepScale, strip, toText } from "../lib/decimal.ts";
import { Facts } from "../ui/Facts.tsx";
import type { Draft, Preview, Surroundings } from "./orderDraft.ts";

/** What the order costs and brings, with its fee, before it is placed. */
export function OrderPreview({ draft, preview, around }: { draft: Draft; preview: Preview; around: Surroundings }) {
  const { t, number, rate } = useI18n();
  const { market } = around;
  const shown = (value: Decimal, asset: string) => {
    const decimalsMin = asset === market.quote ? Math.min(2, around.quote.display_decimals) : 0;
    return `${number(toText(strip(value)), { decimalsMin })} ${asset}`;
  };
  const buys = draft.side === "buy";
  const payLabel = buys ? (draft.type === "market" ? t.orderForm.youPay : t.orderForm.youPayMost) : t.orderForm.youSell;
  return (
    <div className="preview">
      <Facts
        rows={[
          preview.averagePrice !== null && {
            term: t.orderForm.averagePrice,
            value: `${number(toText(preview.averagePrice), { decimals: stepScale(market.tick_size) })} ${market.quote}`,
          },
          { term: payLabel, value: shown(preview.pay, preview.payAsset) },
          {
            term: `${t.orderForm.fee} (${rate(preview.takes ? market.taker_fee : market.maker_fee)})`,
            value: shown(preview.fee, preview.receiveAsset),
          },
          { term: t.orderForm.youReceive, value: shown(preview.receive, preview.receiveAsset), total: true },
        ]}
      />
      {preview.short && <p className="error-text">{t.orderForm.notFilled}</p>}
      {!isZero(preview.fee) && <p className="hint">{t.orderForm.feeNote(rate(market.maker_fee), rate(market.taker_fee))}</p>}
    </div>
  );
}
