/** Candles and volume of one market. lightweight-charts draws on a canvas; nothing of it reaches the network. */
import {
  type CandlestickData,
  CandlestickSeries,
  ColorType,
  createChart,
  CrosshairMode,
  type HistogramData,
  HistogramSeries,
  type IChartApi,
  type ISeriesApi,
  type Time,
  type UTCTimestamp,
} from "lightweight-charts";
import { useEffect, useMemo, useRef, useState } from "react";
import { getKlines } from "../api/service.ts";
import type { Interval, Kline, Market } from "../api/types.ts";
import { usePreferences } from "../app/preferences.tsx";
import { useI18n } from "../i18n/index.tsx";
import { decimal, stepScale, toPixels } from "../lib/decimal.ts";
import { feed } from "../live/feed.ts";
import { Segments } from "../ui/Segments.tsx";
import { Skeleton } from "../ui/States.tsx";
import { readColours } from "./colours.ts";

const intervals: Interval[] = ["1m", "5m", "15m", "1h", "4h", "1d"];
const candlesMax = 500;
/** Rows of the table that says the same in words. */
const tableRows = 12;

/** A candle as the Service writes it: opening time in milliseconds, exact texts. */
type Candle = [number, string, string, string, string, string];

function useCandles(symbol: string, interval: Interval) {
  const [candles, setCandles] = useState<Candle[]>();
  const latest = useRef<(candle: Candle) => void>(() => {});
  useEffect(() => {
    setCandles(undefined);
    let current = true;
    const load = () =>
      getKlines(symbol, interval, candlesMax).then(
        (klines: Kline[]) => current && setCandles(klines.map((kline) => kline.slice(0, 6) as Candle)),
        () => {},
      );
    const stop = feed.subscribe(
      {
        [`${symbol.toLowerCase()}@kline_${interval}`]: (event) => {
          const { t, o, h, l, c, v } = event.k as { t: number; o: string; h: string; l: string; c: string; v: string };
          latest.current([t, o, h, l, c, v]);
        },
      },
      () => void load(),
    );
    void load();
    return () => {
      current = false;
      stop();
    };
  }, [symbol, interval]);
  return { candles, latest };
}

export function Chart({ market }: { market: Market }) {
  const { t, language, number, time, date } = useI18n();
  const { theme } = usePreferences();
  const [interval, setInterval] = useState<Interval>("1m");
  const { candles, latest } = useCandles(market.symbol, interval);
  const frame = useRef<HTMLDivElement>(null);
  const chart = useRef<{ api: IChartApi; price: ISeriesApi<"Candlestick">; volume: ISeriesApi<"Histogram"> } | null>(null);
  const [tail, setTail] = useState<Candle[]>([]);
  const decimals = stepScale(market.tick_size);
  const pair = `${market.base}/${market.quote}`;

  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const api = createChart(element, {
      autoSize: true,
      layout: { attributionLogo: false, fontSize: 12, background: { type: ColorType.Solid, color: "transparent" } },
      crosshair: { mode: CrosshairMode.Normal },
      timeScale: { borderVisible: false, rightOffset: 4, minBarSpacing: 2, barSpacing: 8 },
      rightPriceScale: { borderVisible: false, entireTextOnly: true, scaleMargins: { top: 0.08, bottom: 0.24 } },
      handleScroll: { vertTouchDrag: false },
    });
    const price = api.addSeries(CandlestickSeries, { borderVisible: false });
    const volume = api.addSeries(HistogramSeries, {
      priceScaleId: "volume",
      priceFormat: { type: "volume" },
      lastValueVisible: false,
      priceLineVisible: false,
    });
    api.priceScale("volume").applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
    chart.current = { api, price, volume };
    return () => {
      chart.current = null;
      api.remove();
    };
  }, []);

  // Colours follow the theme, which may change while the chart stands.
  useEffect(() => {
    const paint = () => {
      const element = frame.current;
      if (!chart.current || !element) return;
      const colours = readColours(element);
      chart.current.api.applyOptions({
        layout: { textColor: colours.inkFaint, fontFamily: colours.font },
        grid: { vertLines: { color: colours.line }, horzLines: { color: colours.line } },
        crosshair: {
          vertLine: { color: colours.lineStrong, labelBackgroundColor: colours.inkSoft },
          horzLine: { color: colours.lineStrong, labelBackgroundColor: colours.inkSoft },
        },
      });
      const [upColor, downColor] = [colours.gain, colours.loss];
      chart.current.price.applyOptions({ upColor, downColor, wickUpColor: upColor, wickDownColor: downColor });
      chart.current.volume.applyOptions({ color: colours.line });
    };
    paint();
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", paint);
    return () => dark.removeEventListener("change", paint);
  }, [theme]);

  useEffect(() => {
    const day = interval === "1d";
    chart.current?.api.applyOptions({
      localization: {
        locale: language,
        priceFormatter: (value: number) => number(value.toFixed(decimals), { decimals }),
        timeFormatter: (at: Time) => `${date(Number(at) * 1000)}${day ? "" : `, ${time(Number(at) * 1000)}`}`,
      },
      timeScale: {
        timeVisible: !day,
        secondsVisible: false,
        tickMarkFormatter: (at: Time, kind: number) => tickMark(Number(at) * 1000, kind, language),
      },
    });
    chart.current?.price.applyOptions({
      priceFormat: { type: "price", precision: decimals, minMove: toPixels(decimal(market.tick_size)) },
    });
  }, [language, number, date, time, decimals, market.tick_size, interval]);

  useEffect(() => {
    const drawn = chart.current;
    if (!drawn || !candles) return;
    drawn.price.setData(candles.map(toBar));
    drawn.volume.setData(candles.map(toVolume));
    drawn.api.timeScale().scrollToRealTime();
    setTail(candles.slice(-tableRows));
    let last = candles.at(-1)?.[0] ?? 0;
    latest.current = (candle) => {
      if (candle[0] < last) return;
      last = candle[0];
      drawn.price.update(toBar(candle));
      drawn.volume.update(toVolume(candle));
      setTail((rows) => [...rows.filter((row) => row[0] !== candle[0]), candle].slice(-tableRows));
    };
    return () => {
      latest.current = () => {};
    };
  }, [candles, latest]);

  const rows = useMemo(() => [...tail].reverse(), [tail]);
  return (
    <section className="chart" aria-label={t.market.chart}>
      <div className="chart-head">
        <Segments
          label={t.market.interval}
          value={interval}
          onChange={setInterval}
          options={intervals.map((value) => ({ value, label: t.market.intervals[value] }))}
        />
      </div>
      <div className="chart-frame">
        <div ref={frame} className="chart-canvas" role="img" aria-label={t.market.chartOf(pair, t.market.intervals[interval])} />
        {!candles && (
          <div className="chart-over">
            <Skeleton lines={3} />
          </div>
        )}
        {candles?.length === 0 && tail.length === 0 && <p className="chart-over soft small">{t.market.chartEmpty}</p>}
      </div>
      <div className="chart-foot">
        <details>
          <summary>{t.market.chartTable}</summary>
          <div className="table-frame" tabIndex={0} role="group" aria-label={t.market.chartTable}>
            <table className="table">
              <thead>
                <tr>
                  <th scope="col">{t.common.time}</th>
                  {[t.market.open, t.market.highShort, t.market.lowShort, t.market.close, t.market.volumeShort].map((head) => (
                    <th key={head} scope="col" className="number">
                      {head}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {rows.map((row) => (
                  <tr key={row[0]}>
                    <th scope="row" className="nowrap">
                      {interval === "1d" ? date(row[0]) : time(row[0])}
                    </th>
                    {row.slice(1, 5).map((value, index) => (
                      <td key={index} className="number">
                        {number(String(value), { decimals })}
                      </td>
                    ))}
                    <td className="number">{number(row[5])}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </details>
        <a className="faint" href="https://www.tradingview.com/" target="_blank" rel="noreferrer noopener">
          {t.market.chartCredit}
        </a>
      </div>
    </section>
  );
}

const toBar = (candle: Candle): CandlestickData => ({
  time: (candle[0] / 1000) as UTCTimestamp,
  open: toPixels(decimal(candle[1])),
  high: toPixels(decimal(candle[2])),
  low: toPixels(decimal(candle[3])),
  close: toPixels(decimal(candle[4])),
});

const toVolume = (candle: Candle): HistogramData => ({
  time: (candle[0] / 1000) as UTCTimestamp,
  value: toPixels(decimal(candle[5])),
});

/** Marks of the time axis in local time: year, month, day, else the clock. */
function tickMark(at: number, kind: number, language: string): string {
  const options: Intl.DateTimeFormatOptions =
    kind === 0
      ? { year: "numeric" }
      : kind === 1
        ? { month: "short" }
        : kind === 2
          ? { day: "numeric", month: "short" }
          : { hour: "2-digit", minute: "2-digit", hour12: false };
  return new Intl.DateTimeFormat(language, options).format(at);
}
