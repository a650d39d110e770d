import { useDeferredValue, useEffect, useMemo, useState } from "react";
import { Link, useNavigate } from "react-router";
import { assetOf, useListing } from "../api/shared.ts";
import { getKlines, getPublicTrades, getTickers } from "../api/service.ts";
import type { Asset, Market, Ticker } from "../api/types.ts";
import { once, useResource } from "../api/useResource.ts";
import { useSession } from "../app/session.tsx";
import { useI18n } from "../i18n/index.tsx";
import { decimal, isZero, parseDecimal, roundDown, stepScale, toPixels } from "../lib/decimal.ts";
import { useTickers } from "../market/useTickers.ts";
import { Button, ButtonLink } from "../ui/Button.tsx";
import { Change, LivePrice } from "../ui/Numbers.tsx";
import { usePageTitle } from "../ui/Page.tsx";
import { Sparkline } from "../ui/Sparkline.tsx";
import { Badge, Empty, Loaded } from "../ui/States.tsx";
import "./home.css";

export function Home() {
  const { t } = useI18n();
  const { session } = useSession();
  const heading = usePageTitle("EnsoEx");
  const listing = useListing();
  return (
    <div className="page home">
      <div className="page-head">
        <h1 ref={heading} tabIndex={-1}>
          {t.home.title}
        </h1>
        <p className="lead">{t.home.lead}</p>
        {session.state === "out" && (
          <div className="actions home-actions">
            <ButtonLink to="/register" kind="primary">
              {t.home.register}
            </ButtonLink>
            <Link to="/what-we-hold" className="small">
              {t.home.whatWeHold}
            </Link>
          </div>
        )}
      </div>
      <Loaded of={listing} lines={5}>
        {(data) => <Markets markets={data.markets} assets={data.assets} />}
      </Loaded>
      {session.state === "out" && (
        <ul className="promises">
          {t.home.promises.map(([title, text, to, link]) => (
            <li key={title}>
              <h2>{title}</h2>
              <p className="soft small">{text}</p>
              <Link to={to} reloadDocument={to.includes("/documents/")} className="small">
                {link}
              </Link>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Markets({ markets, assets }: { markets: Market[]; assets: Asset[] }) {
  const { t } = useI18n();
  const [search, setSearch] = useState("");
  const text = useDeferredValue(search).trim().toUpperCase().replace(/[\s/–-]/g, "");
  const found = useMemo(
    () => markets.filter((market) => !text || `${market.base}${market.quote}`.includes(text)),
    [markets, text],
  );
  const symbols = useMemo(() => markets.map((market) => market.symbol), [markets]);
  const initial = useResource("tickers", (signal) => getTickers(signal)).data;
  const tickers = useTickers(symbols, initial);

  return (
    <section className="section" aria-labelledby="markets">
      <div className="section-head">
        <h2 id="markets">{t.home.tableTitle}</h2>
        <div className="input search">
          <input
            type="search"
            aria-label={t.home.search}
            placeholder={t.home.searchHint}
            value={search}
            onChange={(event) => setSearch(event.target.value)}
          />
        </div>
      </div>
      <p className="visually-hidden" role="status">
        {text ? t.home.count(found.length) : ""}
      </p>
      {markets.length === 0 ? (
        <Empty title={t.home.noMarkets} />
      ) : found.length === 0 ? (
        <Empty title={t.home.nothingFound(search.trim())}>
          <Button small onClick={() => setSearch("")}>
            {t.home.clear}
          </Button>
        </Empty>
      ) : (
        <div className="table-frame">
          <table className="table markets">
            <thead>
              <tr>
                <th scope="col">{t.common.market}</th>
                <th scope="col" className="number">
                  {t.home.price}
                </th>
                <th scope="col" className="number">
                  {t.home.change}
                </th>
                <th scope="col" className="spark">
                  {t.home.day}
                </th>
                <th scope="col" className="number roomy">
                  {t.home.high}
                </th>
                <th scope="col" className="number roomy">
                  {t.home.low}
                </th>
                <th scope="col" className="number wide">
                  {t.home.volume}
                </th>
              </tr>
            </thead>
            <tbody>
              {found.map((market) => (
                <MarketRow
                  key={market.symbol}
                  market={market}
                  ticker={tickers.get(market.symbol)}
                  quote={assetOf({ markets, assets }, market.quote)}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function MarketRow({ market, ticker, quote }: { market: Market; ticker: Ticker | undefined; quote: Asset | undefined }) {
  const { t, number } = useI18n();
  const navigate = useNavigate();
  const pair = `${market.base}/${market.quote}`;
  const decimals = stepScale(market.tick_size);
  const course = useDay(market.symbol, ticker?.lastPrice);
  const percent = parseDecimal(ticker?.priceChangePercent ?? "");
  const to = `/market/${market.symbol}`;
  return (
    <tr className="linked" onClick={() => void navigate(to)}>
      <th scope="row">
        <Link to={to} className="pair" onClick={(event) => event.stopPropagation()}>
          <span className="strong">{market.base}</span>
          <span className="faint">/{market.quote}</span>
        </Link>
        {market.state !== "trading" && <Badge tone="caution">{t.market.state[market.state]}</Badge>}
      </th>
      <td className="number price">{ticker ? <LivePrice value={ticker.lastPrice} decimals={decimals} /> : "–"}</td>
      <td className="number">{ticker ? <Change percent={ticker.priceChangePercent} /> : "–"}</td>
      <td className="spark">
        <Sparkline
          values={course}
          rising={percent === null || isZero(roundDown(percent, 2)) ? null : percent.units > 0n}
          label={t.home.dayOf(pair)}
        />
      </td>
      <td className="number roomy soft">{ticker ? number(ticker.highPrice, { decimals }) : "–"}</td>
      <td className="number roomy soft">{ticker ? number(ticker.lowPrice, { decimals }) : "–"}</td>
      <td className="number wide soft">
        {ticker ? `${number(ticker.quoteVolume, { decimals: quote ? Math.min(2, quote.display_decimals) : 2 })} ${market.quote}` : "–"}
      </td>
    </tr>
  );
}

/** Fewest points that make a line; a market younger than that shows its minutes, or else its trades. */
const pointsMin = 8;

async function dayOf(symbol: string): Promise<number[]> {
  for (const [interval, count] of [["15m", 96], ["1m", 120]] as const) {
    const klines = await getKlines(symbol, interval, count);
    if (klines.length >= pointsMin) return klines.map((kline) => toPixels(decimal(kline[4])));
  }
  return (await getPublicTrades(symbol)).map((trade) => toPixels(decimal(trade.price)));
}

/** Prices of the last 24 hours with the live price at the end, for drawing only. */
function useDay(symbol: string, last: string | undefined): number[] {
  const [closes, setCloses] = useState<number[]>([]);
  useEffect(() => {
    let current = true;
    once(`day ${symbol}`, () => dayOf(symbol)).then(
      (values) => current && setCloses(values),
      () => {},
    );
    return () => {
      current = false;
    };
  }, [symbol]);
  return useMemo(() => {
    const value = parseDecimal(last ?? "");
    return value && closes.length > 0 ? [...closes, toPixels(value)] : closes;
  }, [closes, last]);
}
