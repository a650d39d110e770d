import { useNavigate, useSearchParams } from "react-router";
import { useBalances } from "../api/live.ts";
import { createWithdrawal, getWithdrawals } from "../api/service.ts";
import { useLimits, useListing } from "../api/shared.ts";
import type { Balance, Limits, Listing } from "../api/types.ts";
import { useResource } from "../api/useResource.ts";
import { useI18n } from "../i18n/index.tsx";
import { decimal, isZero, subtract, toText } from "../lib/decimal.ts";
import { AmountForm } from "../money/AmountForm.tsx";
import { CardMovements } from "../money/CardMovements.tsx";
import { ButtonLink } from "../ui/Button.tsx";
import { Page } from "../ui/Page.tsx";
import { Empty, Loaded } from "../ui/States.tsx";
import "../money/money.css";

export default function Withdraw() {
  const { t } = useI18n();
  const listing = useListing();
  const limits = useLimits();
  const balances = useBalances(true);
  return (
    <Page kind="narrow" title={t.withdraw.title} lead={t.withdraw.lead}>
      <Loaded of={listing} lines={6}>
        {(listed) => (
          <Loaded of={limits}>
            {(limited) => (
              <Loaded of={balances}>
                {(data) => <Form listing={listed} limits={limited} balances={data.balances} />}
              </Loaded>
            )}
          </Loaded>
        )}
      </Loaded>
      <Recent listing={listing.data} />
    </Page>
  );
}

function Form({ listing, limits, balances }: { listing: Listing; limits: Limits; balances: Balance[] }) {
  const { t, number } = useI18n();
  const navigate = useNavigate();
  const [parameters, setParameters] = useSearchParams();
  const availableOf = (code: string) => decimal(balances.find((balance) => balance.asset === code)?.available ?? "0");
  const assets = listing.assets.filter((asset) => asset.card && limits.withdrawal[asset.code]);
  const filled = assets.find((entry) => !isZero(availableOf(entry.code)));
  const asset =
    assets.find((entry) => entry.code === parameters.get("asset"))?.code ?? filled?.code ?? assets[0]?.code ?? "";
  if (!filled)
    return (
      <Empty title={t.withdraw.nothing} text={t.withdraw.nothingText}>
        <ButtonLink to="/deposit">{t.wallet.deposit}</ButtonLink>
      </Empty>
    );
  const available = availableOf(asset);
  const money = (value: string) => `${number(value, { decimalsMin: 2 })} ${asset}`;
  return (
    <AmountForm
      withdrawal
      assets={assets}
      limits={limits.withdrawal}
      asset={asset}
      onAsset={(code) => setParameters({ asset: code }, { replace: true })}
      available={available}
      initialAmount={parameters.get("amount") ?? undefined}
      handover={t.withdraw.handover}
      preview={(amount) => [
        { term: t.withdraw.held, value: money(amount) },
        { term: t.withdraw.fee, value: money("0") },
        { term: t.withdraw.toCard, value: money(amount), total: true },
        { term: t.withdraw.left, value: money(toText(subtract(available, decimal(amount)))) },
      ]}
      create={async (amount, key) => {
        const withdrawal = await createWithdrawal({ asset, amount }, key);
        if (withdrawal.redirect_url) return withdrawal.redirect_url;
        void navigate(`/withdraw/${withdrawal.withdrawal}`);
        return null;
      }}
    />
  );
}

function Recent({ listing }: { listing: Listing | undefined }) {
  const { t } = useI18n();
  const withdrawals = useResource("withdrawals", (signal) => getWithdrawals(signal));
  return (
    <section className="section" aria-labelledby="recent">
      <h2 id="recent">{t.withdraw.recent}</h2>
      <Loaded of={withdrawals} lines={2}>
        {(data) =>
          data.withdrawals.length === 0 ? (
            <p className="soft small">{t.withdraw.recentEmpty}</p>
          ) : (
            <CardMovements
              assets={listing?.assets ?? []}
              rows={data.withdrawals.map((withdrawal) => ({
                id: withdrawal.withdrawal,
                to: `/withdraw/${withdrawal.withdrawal}`,
                asset: withdrawal.asset,
                amount: withdrawal.amount,
                status: withdrawal.status,
                label: t.withdraw.statuses[withdrawal.status],
                at: withdrawal.created_at,
              }))}
            />
          )
        }
      </Loaded>
    </section>
  );
}
