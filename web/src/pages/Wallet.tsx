import { useState } from "react";
import { Link } from "react-router";
import { useBalances } from "../api/live.ts";
import { assetOf, useListing } from "../api/shared.ts";
import type { Balance, Listing } from "../api/types.ts";
import { useI18n } from "../i18n/index.tsx";
import { decimal, isZero, strip } from "../lib/decimal.ts";
import { ButtonLink } from "../ui/Button.tsx";
import { AlignedAmount } from "../ui/Numbers.tsx";
import { Page } from "../ui/Page.tsx";
import { Empty, Loaded } from "../ui/States.tsx";
import { Movements } from "./Movements.tsx";
import "./wallet.css";

export default function Wallet() {
  const { t } = useI18n();
  const balances = useBalances(true);
  const listing = useListing();
  const [asset, setAsset] = useState("");
  const empty = balances.data?.balances.every((balance) => isZero(decimal(balance.total))) ?? false;
  return (
    <Page
      title={t.wallet.title}
      actions={
        <>
          <ButtonLink to="/deposit" kind="primary">
            {t.wallet.deposit}
          </ButtonLink>
          <ButtonLink to="/withdraw">{t.wallet.withdraw}</ButtonLink>
          <ButtonLink to="/statement" kind="quiet">
            {t.statement.title}
          </ButtonLink>
        </>
      }
    >
      {empty && (
        <Empty title={t.wallet.emptyTitle} text={t.wallet.emptyText}>
          <ButtonLink to="/deposit">{t.wallet.deposit}</ButtonLink>
        </Empty>
      )}
      <section className="section" aria-labelledby="balances">
        <h2 id="balances">{t.wallet.balances}</h2>
        <Loaded of={balances} lines={4}>
          {(data) => <Balances balances={data.balances} listing={listing.data} />}
        </Loaded>
      </section>
      <Movements asset={asset} onAsset={setAsset} assets={balances.data?.balances.map((balance) => balance.asset) ?? []} />
    </Page>
  );
}

function Balances({ balances, listing }: { balances: Balance[]; listing: Listing | undefined }) {
  const { t, number } = useI18n();
  const decimalsOf = (code: string) => Math.min(2, assetOf(listing, code)?.display_decimals ?? 2);
  const places = (value: string, code: string) => strip(decimal(value), decimalsOf(code)).scale;
  const width = Math.max(
    2,
    ...balances.flatMap(({ asset, available, held, total }) =>
      [available, held, total].map((value) => places(value, asset)),
    ),
  );
  const shown = (value: string, code: string) => (
    <AlignedAmount value={value} decimals={decimalsOf(code)} width={width} />
  );
  return (
    <div className="table-frame">
      <table className="table balances">
        <thead>
          <tr>
            <th scope="col">{t.common.asset}</th>
            <th scope="col" className="number">
              {t.wallet.available}
            </th>
            <th scope="col" className="number roomy">
              {t.wallet.held}
            </th>
            <th scope="col" className="number roomy">
              {t.wallet.total}
            </th>
            <th scope="col" className="number">
              <span className="visually-hidden">{t.common.actions}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {balances.map((balance) => {
            const market = listing?.markets.find((entry) => entry.base === balance.asset) ??
              listing?.markets.find((entry) => entry.quote === balance.asset);
            return (
              <tr key={balance.asset}>
                <th scope="row">
                  <span className="strong">{balance.asset}</span>
                  {!isZero(decimal(balance.held)) && (
                    <span className="held-note">
                      {t.wallet.held}: {number(balance.held, { decimalsMin: decimalsOf(balance.asset) })}
                    </span>
                  )}
                </th>
                <td className="number strong">{shown(balance.available, balance.asset)}</td>
                <td className="number soft roomy">{shown(balance.held, balance.asset)}</td>
                <td className="number roomy">{shown(balance.total, balance.asset)}</td>
                <td className="number">
                  {market && (
                    <Link to={`/market/${market.symbol}`} aria-label={t.home.trade(`${market.base}/${market.quote}`)}>
                      {t.wallet.trade}
                    </Link>
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
