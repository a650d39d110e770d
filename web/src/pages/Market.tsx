import { useEffect, useMemo, useState } from "react";
import { useNavigate, useParams } from "react-router";
import { useBalances, useOpenOrders } from "../api/live.ts";
import { getTicker } from "../api/service.ts";
import { assetOf, marketOf, useListing } from "../api/shared.ts";
import type { Listing, Market as MarketSpec, Ticker } from "../api/types.ts";
import { useResource } from "../api/useResource.ts";
import { useSession } from "../app/session.tsx";
import { useI18n } from "../i18n/index.tsx";
import { stepScale } from "../lib/decimal.ts";
import { BookPanel } from "../market/BookPanel.tsx";
import { Chart } from "../market/Chart.tsx";
import { OpenOrders } from "../market/OpenOrders.tsx";
import { OrderForm } from "../market/OrderForm.tsx";
import { TradesPanel } from "../market/TradesPanel.tsx";
import { useBook } from "../market/useBook.ts";
import { usePublicTrades } from "../market/usePublicTrades.ts";
import { useTickers } from "../market/useTickers.ts";
import { Change, LivePrice } from "../ui/Numbers.tsx";
import { usePageTitle } from "../ui/Page.tsx";
import { Badge, Empty, Failed, Loaded, Skeleton } from "../ui/States.tsx";
import { Tabs } from "../ui/Tabs.tsx";
import { useMediaQuery } from "../ui/useMediaQuery.ts";
import { NotFound } from "./NotFound.tsx";
import "./market.css";

export default function Market() {
  const { t } = useI18n();
  const symbol = (useParams().symbol ?? "").toUpperCase();
  const listing = useListing();
  if (!listing.data)
    return (
      <div className="page">{listing.problem ? <Failed problem={listing.problem} retry={listing.reload} /> : <Skeleton lines={8} />}</div>
    );
  const market = marketOf(listing.data, symbol);
  if (!market) return <NotFound title={t.market.unknownTitle} text={t.market.unknownText(symbol)} />;
  return <MarketPage key={symbol} market={market} listing={listing.data} />;
}

type Part = "trade" | "book" | "trades" | "orders";

function MarketPage({ market, listing }: { market: MarketSpec; listing: Listing }) {
  const { t } = useI18n();
  const { session } = useSession();
  const signedIn = session.state === "in";
  const symbols = useMemo(() => [market.symbol], [market.symbol]);
  const read = useResource(`ticker ${market.symbol}`, (signal) => getTicker(market.symbol, signal));
  const initial = useMemo(() => (read.data ? [read.data] : undefined), [read.data]);
  const ticker = useTickers(symbols, initial).get(market.symbol);
  const book = useBook(market.symbol);
  const trades = usePublicTrades(market.symbol);
  const balances = useBalances(signedIn);
  const openOrders = useOpenOrders(signedIn, market.symbol);
  const [chosen, setChosen] = useState<{ price: string; round: number } | null>(null);
  const [part, setPart] = useState<Part>("trade");
  const phone = useMediaQuery("(max-width: 48rem)");
  const base = assetOf(listing, market.base);
  const quote = assetOf(listing, market.quote);
  const last = trades?.[0]?.price ?? ticker?.lastPrice;

  const choose = (price: string) => {
    setChosen((was) => ({ price, round: (was?.round ?? 0) + 1 }));
    setPart("trade");
  };

  const form = base && quote && (
    <OrderForm
      market={market}
      base={base}
      quote={quote}
      book={book}
      balances={balances.data?.balances}
      last={last}
      chosen={chosen}
      onPlaced={() => {
        balances.reload();
        openOrders.reload();
      }}
    />
  );
  const orders = signedIn && (
    <Loaded of={openOrders} lines={3}>
      {(data) =>
        data.orders.length === 0 ? (
          <Empty small title={t.orders.openEmpty} text={t.orders.openEmptyText} />
        ) : (
          <OpenOrders
            orders={data.orders}
            onChange={() => {
              openOrders.reload();
              balances.reload();
            }}
          />
        )
      }
    </Loaded>
  );
  const bookPanel = (depth: number) => <BookPanel market={market} book={book} last={last} depth={depth} onPrice={choose} />;

  if (phone)
    return (
      <div className="market">
        <MarketHead market={market} listing={listing} ticker={ticker} last={last} />
        <Chart market={market} />
        <div className="market-tabs">
          <Tabs
            label={t.market.parts}
            value={part}
            onChange={setPart}
            tabs={[
              { value: "trade", label: t.market.trade },
              { value: "book", label: t.market.book },
              { value: "trades", label: t.market.trades },
              ...(signedIn ? [{ value: "orders" as const, label: t.orders.open }] : []),
            ]}
          >
            <div hidden={part !== "trade"}>{form}</div>
            {part === "book" && bookPanel(12)}
            {part === "trades" && <TradesPanel market={market} trades={trades} count={30} />}
            {part === "orders" && orders}
          </Tabs>
          <MarketRules market={market} />
        </div>
      </div>
    );

  return (
    <div className="market">
      <MarketHead market={market} listing={listing} ticker={ticker} last={last} />
      <div className="market-grid">
        <div className="area-chart">
          <Chart market={market} />
        </div>
        <section className="area-book" aria-labelledby="book">
          <h2 id="book">{t.market.book}</h2>
          {bookPanel(11)}
        </section>
        <section className="area-trades" aria-labelledby="trades">
          <h2 id="trades">{t.market.trades}</h2>
          <TradesPanel market={market} trades={trades} count={12} />
        </section>
        <section className="area-form">{form}</section>
        <div className="area-orders">
          {signedIn && (
            <section className="section" aria-labelledby="orders">
              <h2 id="orders">{t.market.yourOrders}</h2>
              {orders}
            </section>
          )}
          <MarketRules market={market} />
        </div>
      </div>
    </div>
  );
}

/** Steps, least value and fees of this market. */
function MarketRules({ market }: { market: MarketSpec }) {
  const { t, number, rate } = useI18n();
  return (
    <section className="section" aria-labelledby="rules">
      <h2 id="rules">{t.market.rules}</h2>
      <dl className="rules">
        {[
          [t.market.makerFee, rate(market.maker_fee)],
          [t.market.takerFee, rate(market.taker_fee)],
          [t.market.priceStep, `${number(market.tick_size)} ${market.quote}`],
          [t.market.quantityStep, `${number(market.lot_size)} ${market.base}`],
          [t.market.leastOrder, `${number(market.notional_min, { decimalsMin: 2 })} ${market.quote}`],
        ].map(([term, value]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

interface MarketHeadProps {
  market: MarketSpec;
  listing: Listing;
  ticker: Ticker | undefined;
  last: string | undefined;
}

function MarketHead({ market, listing, ticker, last }: MarketHeadProps) {
  const { t, number } = useI18n();
  const navigate = useNavigate();
  const pair = `${market.base}/${market.quote}`;
  const heading = usePageTitle(pair);
  const decimals = stepScale(market.tick_size);
  const price = last ? number(last, { decimals }) : null;
  useEffect(() => {
    document.title = price ? `${price} · ${pair} · EnsoEx` : `${pair} · EnsoEx`;
  }, [price, pair]);
  return (
    <div className="market-head">
      <h1 ref={heading} tabIndex={-1} className="visually-hidden">
        {pair}
      </h1>
      <div className="input pair-choice">
        <select aria-label={t.market.chooseMarket} value={market.symbol} onChange={(event) => void navigate(`/market/${event.target.value}`)}>
          {listing.markets.map((other) => (
            <option key={other.symbol} value={other.symbol}>
              {other.base}/{other.quote}
            </option>
          ))}
        </select>
      </div>
      <div className="market-last">
        <span className="visually-hidden">{t.market.last} </span>
        <span className="big">{last ? <LivePrice value={last} decimals={decimals} /> : "–"}</span>
        {ticker && <Change percent={ticker.priceChangePercent} />}
      </div>
      {market.state !== "trading" && <Badge tone="caution">{t.market.state[market.state]}</Badge>}
      <dl className="market-day">
        <div>
          <dt>{t.home.high}</dt>
          <dd>{ticker ? number(ticker.highPrice, { decimals }) : "–"}</dd>
        </div>
        <div>
          <dt>{t.home.low}</dt>
          <dd>{ticker ? number(ticker.lowPrice, { decimals }) : "–"}</dd>
        </div>
        <div>
          <dt>{t.home.volume}</dt>
          <dd>{ticker ? `${number(ticker.volume, { decimals: 4 })} ${market.base}` : "–"}</dd>
        </div>
      </dl>
    </div>
  );
}
