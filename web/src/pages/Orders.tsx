import { useCallback } from "react";
import { useSearchParams } from "react-router";
import { useOpenOrders } from "../api/live.ts";
import { getFills, getOrders } from "../api/service.ts";
import { marketOf, useListing } from "../api/shared.ts";
import type { Fill, Listing, Order, OrderStatus } from "../api/types.ts";
import { usePages } from "../api/usePages.ts";
import { useI18n } from "../i18n/index.tsx";
import { stepScale } from "../lib/decimal.ts";
import { OpenOrders } from "../market/OpenOrders.tsx";
import { ButtonLink } from "../ui/Button.tsx";
import { Page } from "../ui/Page.tsx";
import { PagedTable } from "../ui/PagedTable.tsx";
import { Badge, Empty, Loaded } from "../ui/States.tsx";
import { Tabs } from "../ui/Tabs.tsx";

const views = ["open", "history", "trades"] as const;
type View = (typeof views)[number];
const rowsPerPage = 25;

/** The view is in the address, so that reload, back and a shared link show the same. */
export default function Orders() {
  const { t } = useI18n();
  const [parameters, setParameters] = useSearchParams();
  const asked = parameters.get("view") as View;
  const view = views.includes(asked) ? asked : "open";
  return (
    <Page title={t.orders.title} lead={t.orders.lead}>
      <Tabs
        label={t.orders.views}
        value={view}
        onChange={(next) => setParameters(next === "open" ? {} : { view: next }, { replace: true })}
        tabs={views.map((value) => ({ value, label: t.orders[value] }))}
      >
        {view === "open" && <Open />}
        {view === "history" && <History />}
        {view === "trades" && <Trades />}
      </Tabs>
    </Page>
  );
}

function Open() {
  const { t } = useI18n();
  const orders = useOpenOrders(true);
  return (
    <Loaded of={orders} lines={4}>
      {(data) =>
        data.orders.length === 0 ? (
          <Empty title={t.orders.openEmpty} text={t.orders.openEmptyText}>
            <ButtonLink to="/">{t.orders.chooseMarket}</ButtonLink>
          </Empty>
        ) : (
          <OpenOrders orders={data.orders} onChange={orders.reload} withMarket />
        )
      }
    </Loaded>
  );
}

const tones: Record<OrderStatus, "plain" | "good" | "bad" | "accent"> = {
  new: "accent",
  partially_filled: "accent",
  filled: "good",
  canceled: "plain",
  expired: "plain",
  rejected: "bad",
};

function History() {
  const { t } = useI18n();
  const listing = useListing().data;
  const load = useCallback(async (before: string | number | null, signal?: AbortSignal) => {
    const page = await getOrders({ status: "all", limit: rowsPerPage, before: before === null ? null : String(before) }, signal);
    return { rows: page.orders, next: page.next };
  }, []);
  const pages = usePages("order history", load);
  return (
    <PagedTable
      of={pages}
      label={t.orders.history}
      empty={
        <Empty title={t.orders.historyEmpty} text={t.orders.historyEmptyText}>
          <ButtonLink to="/">{t.orders.chooseMarket}</ButtonLink>
        </Empty>
      }
      head={
        <tr>
          <th scope="col">{t.orders.placed}</th>
          <th scope="col">{t.common.market}</th>
          <th scope="col">{t.orders.side}</th>
          <th scope="col">{t.orders.type}</th>
          <th scope="col" className="number">
            {t.orders.price}
          </th>
          <th scope="col" className="number">
            {t.orders.quantity}
          </th>
          <th scope="col" className="number">
            {t.orders.filled}
          </th>
          <th scope="col" className="number">
            {t.orders.average}
          </th>
          <th scope="col">{t.common.state}</th>
        </tr>
      }
      row={(order) => <HistoryRow key={`${order.symbol} ${order.order}`} order={order} listing={listing} />}
    />
  );
}

function HistoryRow({ order, listing }: { order: Order; listing: Listing | undefined }) {
  const { t, number, dateTime } = useI18n();
  const market = marketOf(listing, order.symbol);
  const price = (text: string | null | undefined) =>
    text ? number(text, { decimals: market && stepScale(market.tick_size) }) : "–";
  const lots = (text: string) => number(text, { decimals: market && stepScale(market.lot_size) });
  return (
    <tr>
      <td className="nowrap soft" data-label={t.orders.placed}>
        <time dateTime={order.created_at}>{dateTime(order.created_at)}</time>
      </td>
      <td className="nowrap" data-label={t.common.market}>
        {market ? `${market.base}/${market.quote}` : order.symbol}
      </td>
      <td className={order.side === "buy" ? "gain" : "loss"} data-label={t.orders.side}>
        {t.orders.sides[order.side]}
      </td>
      <td data-label={t.orders.type}>{t.orders.types[order.type]}</td>
      <td className="number" data-label={t.orders.price}>
        {order.price ? price(order.price) : <span className="soft">{t.orders.market}</span>}
        {order.stop_price && (
          <div className="faint small">
            {(order.triggered_at ? t.orders.stopReached : t.orders.stopAt)(price(order.stop_price))}
          </div>
        )}
      </td>
      <td className="number" data-label={t.orders.quantity}>
        {order.quantity
          ? lots(order.quantity)
          : order.quote_quantity
            ? `${number(order.quote_quantity, { decimalsMin: 2 })} ${market?.quote ?? ""}`
            : "–"}
      </td>
      <td className="number" data-label={t.orders.filled}>
        {lots(order.executed_quantity)}
      </td>
      <td className="number" data-label={t.orders.average}>
        {price(order.average_price)}
      </td>
      <td data-label={t.common.state}>
        <Badge tone={tones[order.status]}>{t.orders.statuses[order.status]}</Badge>
      </td>
    </tr>
  );
}

function Trades() {
  const { t } = useI18n();
  const listing = useListing().data;
  const load = useCallback(async (before: string | number | null, signal?: AbortSignal) => {
    const page = await getFills({ limit: rowsPerPage, before: before === null ? null : String(before) }, signal);
    return { rows: page.trades, next: page.next };
  }, []);
  const pages = usePages("fills", load);
  return (
    <PagedTable
      of={pages}
      label={t.orders.trades}
      empty={
        <Empty title={t.orders.tradesEmpty} text={t.orders.tradesEmptyText}>
          <ButtonLink to="/">{t.orders.chooseMarket}</ButtonLink>
        </Empty>
      }
      head={
        <tr>
          <th scope="col">{t.common.date}</th>
          <th scope="col">{t.common.market}</th>
          <th scope="col">{t.orders.side}</th>
          <th scope="col" className="number">
            {t.orders.price}
          </th>
          <th scope="col" className="number">
            {t.orders.quantity}
          </th>
          <th scope="col" className="number">
            {t.orders.value}
          </th>
          <th scope="col" className="number">
            {t.orders.fee}
          </th>
          <th scope="col">{t.orders.role}</th>
          <th scope="col" className="number">
            {t.orders.order}
          </th>
        </tr>
      }
      row={(fill) => <FillRow key={`${fill.symbol} ${fill.trade} ${fill.order}`} fill={fill} listing={listing} />}
    />
  );
}

function FillRow({ fill, listing }: { fill: Fill; listing: Listing | undefined }) {
  const { t, number, dateTime } = useI18n();
  const market = marketOf(listing, fill.symbol);
  return (
    <tr>
      <td className="nowrap soft" data-label={t.common.date}>
        <time dateTime={fill.at}>{dateTime(fill.at)}</time>
      </td>
      <td className="nowrap" data-label={t.common.market}>
        {market ? `${market.base}/${market.quote}` : fill.symbol}
      </td>
      <td className={fill.side === "buy" ? "gain" : "loss"} data-label={t.orders.side}>
        {t.orders.sides[fill.side]}
      </td>
      <td className="number" data-label={t.orders.price}>
        {number(fill.price, { decimals: market && stepScale(market.tick_size) })}
      </td>
      <td className="number" data-label={t.orders.quantity}>
        {number(fill.quantity, { decimals: market && stepScale(market.lot_size) })}
      </td>
      <td className="number" data-label={t.orders.value}>
        {number(fill.quote, { decimalsMin: 2 })} {market?.quote}
      </td>
      <td className="number" data-label={t.orders.fee}>
        {number(fill.fee, { decimalsMin: 2 })} {fill.fee_asset}
      </td>
      <td className="soft" data-label={t.orders.role}>
        {t.orders.roles[fill.liquidity]}
      </td>
      <td className="number faint" data-label={t.orders.order}>
        {fill.order}
      </td>
    </tr>
  );
}
