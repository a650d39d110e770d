import type { Market, PublicTrade } from "../api/types.ts";
import { useI18n } from "../i18n/index.tsx";
import { stepScale } from "../lib/decimal.ts";
import { Empty, Skeleton } from "../ui/States.tsx";

export function TradesPanel({ market, trades, count }: { market: Market; trades: PublicTrade[] | undefined; count: number }) {
  const { t, number, time } = useI18n();
  if (!trades) return <Skeleton lines={8} />;
  if (trades.length === 0) return <Empty small title={t.market.tradesEmpty} />;
  return (
    <table className="ladder trades">
      <caption className="visually-hidden">{t.market.recentTrades}</caption>
      <thead>
        <tr>
          <th scope="col">
            {t.market.price} <span className="unit">{market.quote}</span>
          </th>
          <th scope="col" className="number">
            {t.market.quantity} <span className="unit">{market.base}</span>
          </th>
          <th scope="col" className="number">
            {t.common.time}
          </th>
        </tr>
      </thead>
      <tbody>
        {trades.slice(0, count).map((trade) => (
          <tr key={trade.id}>
            <td className={trade.isBuyerMaker ? "loss" : "gain"}>
              <span aria-hidden="true">{trade.isBuyerMaker ? "▾ " : "▴ "}</span>
              <span className="visually-hidden">{trade.isBuyerMaker ? t.market.sold : t.market.bought} </span>
              {number(trade.price, { decimals: stepScale(market.tick_size) })}
            </td>
            <td className="number">{number(trade.qty, { decimals: stepScale(market.lot_size) })}</td>
            <td className="number soft">
              <time dateTime={new Date(trade.time).toISOString()}>{time(trade.time)}</time>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
