import { memo, useMemo } from "react";
import type { Market } from "../api/types.ts";
import { useI18n } from "../i18n/index.tsx";
import { add, compare, decimal, multiply, stepScale, subtract, toPixels, toText, zero } from "../lib/decimal.ts";
import type { Level } from "../live/book.ts";
import { LivePrice } from "../ui/Numbers.tsx";
import { Empty, Skeleton } from "../ui/States.tsx";
import type { BookView } from "./useBook.ts";

interface Row {
  price: string;
  quantity: string;
  total: string;
  /** Share of the deepest cumulated quantity shown, for the bar behind the row. */
  share: number;
}

function rowsOf(levels: Level[], count: number): Row[] {
  const shown = levels.slice(0, count);
  let sum = zero;
  const cumulated = shown.map((level) => (sum = add(sum, decimal(level.quantity))));
  const whole = toPixels(sum) || 1;
  return shown.map((level, index) => ({
    price: level.price,
    quantity: level.quantity,
    total: toText(multiply(decimal(level.price), decimal(level.quantity))),
    share: toPixels(cumulated[index] ?? zero) / whole,
  }));
}

interface BookPanelProps {
  market: Market;
  book: BookView;
  last: string | undefined;
  /** Levels of each side. */
  depth: number;
  onPrice: (price: string) => void;
}

export function BookPanel({ market, book, last, depth, onPrice }: BookPanelProps) {
  const { t, number } = useI18n();
  const decimals = stepScale(market.tick_size);
  const asks = useMemo(() => rowsOf(book.asks, depth).reverse(), [book.asks, depth]);
  const bids = useMemo(() => rowsOf(book.bids, depth), [book.bids, depth]);
  const spread = useMemo(() => {
    const [ask, bid] = [book.asks[0], book.bids[0]];
    return ask && bid ? toText(subtract(decimal(ask.price), decimal(bid.price))) : null;
  }, [book.asks, book.bids]);

  if (!book.synced && asks.length === 0 && bids.length === 0) return <Skeleton lines={depth} />;
  if (asks.length === 0 && bids.length === 0) return <Empty small title={t.market.bookEmpty} />;
  return (
    <div className={`book ${book.synced ? "" : "stale"}`}>
      <table className="ladder">
        <caption className="visually-hidden">{t.market.book}</caption>
        <thead>
          <tr>
            <th scope="col">
              {t.market.price} <span className="unit">{market.quote}</span>
            </th>
            <th scope="col" className="number">
              {t.market.quantity} <span className="unit">{market.base}</span>
            </th>
            <th scope="col" className="number">
              {t.market.total}
            </th>
          </tr>
        </thead>
        <tbody className="asks" aria-label={t.market.asks}>
          {padded(depth - asks.length)}
          {asks.map((row) => (
            <LevelRow key={row.price} row={row} market={market} onPrice={onPrice} />
          ))}
        </tbody>
        <tbody className="middle">
          <tr>
            <td colSpan={3}>
              <div>
                <span className="strong">{last ? <LivePrice value={last} decimals={decimals} /> : "–"}</span>
                <span className="faint fine">
                  {t.market.spread} {spread === null ? "–" : number(spread, { decimals })}
                </span>
              </div>
            </td>
          </tr>
        </tbody>
        <tbody className="bids" aria-label={t.market.bids}>
          {bids.map((row) => (
            <LevelRow key={row.price} row={row} market={market} onPrice={onPrice} />
          ))}
          {padded(depth - bids.length)}
        </tbody>
      </table>
    </div>
  );
}

/** Empty rows, so that a thin book does not change the height of the page. */
function padded(count: number) {
  return Array.from({ length: Math.max(0, count) }, (_, index) => (
    <tr key={`empty ${index}`} aria-hidden="true">
      <td colSpan={3}>&nbsp;</td>
    </tr>
  ));
}

interface LevelRowProps {
  row: Row;
  market: Market;
  onPrice: (price: string) => void;
}

const LevelRow = memo(
  function LevelRow({ row, market, onPrice }: LevelRowProps) {
    const { t, number } = useI18n();
    const price = number(row.price, { decimals: stepScale(market.tick_size) });
    return (
      <tr className="level" onClick={() => onPrice(row.price)}>
        <td className="price">
          <span className="bar" style={{ transform: `scaleX(${row.share.toFixed(3)})` }} aria-hidden="true" />
          {/* Out of the tab order: two dozen stops that move under the finger help nobody; typing the price does. */}
          <button type="button" tabIndex={-1} aria-label={t.market.usePrice(price)}>
            {price}
          </button>
        </td>
        <td className="number">{number(row.quantity, { decimals: stepScale(market.lot_size) })}</td>
        <td className="number soft">{number(row.total, { decimals: 2 })}</td>
      </tr>
    );
  },
  (a, b) =>
    a.row.price === b.row.price &&
    a.row.share === b.row.share &&
    a.market === b.market &&
    compare(decimal(a.row.quantity), decimal(b.row.quantity)) === 0,
);
