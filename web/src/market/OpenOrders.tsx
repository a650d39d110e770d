import { useState } from "react";
import { Problem } from "../api/http.ts";
import { cancelOrder } from "../api/service.ts";
import { marketOf, useListing } from "../api/shared.ts";
import type { Order } from "../api/types.ts";
import { useI18n } from "../i18n/index.tsx";
import { stepScale } from "../lib/decimal.ts";
import { Button } from "../ui/Button.tsx";
import { useToast } from "../ui/Toast.tsx";

/** Open orders with a way to cancel each. */
export function OpenOrders({ orders, onChange, withMarket }: { orders: Order[]; onChange: () => void; withMarket?: boolean }) {
  const { t } = useI18n();
  return (
    <div className="table-frame" tabIndex={0} role="group" aria-label={t.orders.open}>
      <table className="table stacks">
        <thead>
          <tr>
            <th scope="col">{t.orders.placed}</th>
            {withMarket && <th scope="col">{t.common.market}</th>}
            <th scope="col">{t.orders.side}</th>
            <th scope="col" className="number">
              {t.orders.price}
            </th>
            <th scope="col" className="number">
              {t.orders.quantity}
            </th>
            <th scope="col" className="number">
              {t.orders.filled}
            </th>
            <th scope="col">
              <span className="visually-hidden">{t.common.actions}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {orders.map((order) => (
            <OpenOrderRow key={`${order.symbol} ${order.order}`} order={order} onChange={onChange} withMarket={withMarket} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function OpenOrderRow({ order, onChange, withMarket }: { order: Order; onChange: () => void; withMarket?: boolean }) {
  const { t, number, dateTime, problem: problemText } = useI18n();
  const toast = useToast();
  const [busy, setBusy] = useState(false);
  const market = marketOf(useListing().data, order.symbol);
  const priceDecimals = market ? stepScale(market.tick_size) : undefined;
  const lotDecimals = market ? stepScale(market.lot_size) : undefined;
  const cancel = async () => {
    setBusy(true);
    try {
      await cancelOrder(order.symbol, order.order);
      toast(t.orders.canceled);
    } catch (error) {
      const gone = error instanceof Problem && error.code === "unknown_order";
      toast(gone ? t.orders.alreadyClosed : error instanceof Problem ? problemText(error) : t.errors.unexpected);
      setBusy(false);
    }
    onChange();
  };
  return (
    <tr>
      <td className="nowrap soft" data-label={t.orders.placed}>
        <time dateTime={order.created_at}>{dateTime(order.created_at)}</time>
      </td>
      {withMarket && (
        <td className="nowrap" data-label={t.common.market}>
          {market ? `${market.base}/${market.quote}` : order.symbol}
        </td>
      )}
      <td className={`nowrap ${order.side === "buy" ? "gain" : "loss"}`} data-label={t.orders.side}>
        {t.orders.sides[order.side]}
        {order.type !== "limit" && <div className="faint small">{t.orders.types[order.type]}{order.list && ` · ${t.orderForm.oco}`}</div>}
      </td>
      <td className="number" data-label={t.orders.price}>
        {order.price ? number(order.price, { decimals: priceDecimals }) : order.stop_price ? t.orders.market : "–"}
        {order.stop_price && (
          <div className="faint small">
            {(order.triggered_at ? t.orders.stopReached : t.orders.stopAt)(number(order.stop_price, { decimals: priceDecimals }))}
          </div>
        )}
      </td>
      <td className="number" data-label={t.orders.quantity}>
        {order.quantity ? number(order.quantity, { decimals: lotDecimals }) : "–"}
      </td>
      <td className="number soft" data-label={t.orders.filled}>
        {number(order.executed_quantity, { decimals: lotDecimals })}
      </td>
      <td className="number">
        <Button small busy={busy} onClick={() => void cancel()}>
          {t.orders.cancel}
          <span className="visually-hidden"> {order.order}</span>
        </Button>
      </td>
    </tr>
  );
}
