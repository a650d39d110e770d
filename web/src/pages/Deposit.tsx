import { useNavigate, useSearchParams } from "react-router";
import { createDeposit, getDeposits } from "../api/service.ts";
import { useLimits, useListing } from "../api/shared.ts";
import type { Limits, Listing } from "../api/types.ts";
import { useResource } from "../api/useResource.ts";
import { useI18n } from "../i18n/index.tsx";
import { AmountForm } from "../money/AmountForm.tsx";
import { CardMovements } from "../money/CardMovements.tsx";
import { Page } from "../ui/Page.tsx";
import { Loaded } from "../ui/States.tsx";
import "../money/money.css";

export default function Deposit() {
  const { t } = useI18n();
  const listing = useListing();
  const limits = useLimits();
  return (
    <Page kind="narrow" title={t.deposit.title} lead={t.deposit.lead}>
      <Loaded of={listing} lines={6}>
        {(listed) => <Loaded of={limits}>{(limited) => <Form listing={listed} limits={limited} />}</Loaded>}
      </Loaded>
      <Recent listing={listing.data} />
    </Page>
  );
}

/** Currency and amount may stand in the address, as after “Try again”. */
function Form({ listing, limits }: { listing: Listing; limits: Limits }) {
  const { t, number } = useI18n();
  const navigate = useNavigate();
  const [parameters, setParameters] = useSearchParams();
  const assets = listing.assets.filter((asset) => asset.card && limits.deposit[asset.code]);
  const asset = assets.find((entry) => entry.code === parameters.get("asset"))?.code ?? assets[0]?.code ?? "";
  const money = (value: string) => `${number(value, { decimalsMin: 2 })} ${asset}`;
  return (
    <AmountForm
      assets={assets}
      limits={limits.deposit}
      asset={asset}
      onAsset={(code) => setParameters({ asset: code }, { replace: true })}
      available={null}
      initialAmount={parameters.get("amount") ?? undefined}
      handover={t.deposit.handover}
      preview={(amount) => [
        { term: t.deposit.fromCard, value: money(amount) },
        { term: t.deposit.fee, value: money("0") },
        { term: t.deposit.toAccount, value: money(amount), total: true },
      ]}
      create={async (amount, key) => {
        const deposit = await createDeposit({ asset, amount }, key);
        if (deposit.redirect_url) return deposit.redirect_url;
        void navigate(`/deposit/${deposit.deposit}`);
        return null;
      }}
    />
  );
}

function Recent({ listing }: { listing: Listing | undefined }) {
  const { t } = useI18n();
  const deposits = useResource("deposits", (signal) => getDeposits(signal));
  return (
    <section className="section" aria-labelledby="recent">
      <h2 id="recent">{t.deposit.recent}</h2>
      <Loaded of={deposits} lines={2}>
        {(data) =>
          data.deposits.length === 0 ? (
            <p className="soft small">{t.deposit.recentEmpty}</p>
          ) : (
            <CardMovements
              assets={listing?.assets ?? []}
              rows={data.deposits.map((deposit) => ({
                id: deposit.deposit,
                to: `/deposit/${deposit.deposit}`,
                asset: deposit.asset,
                amount: deposit.amount,
                status: deposit.status,
                label: t.deposit.statuses[deposit.status],
                at: deposit.created_at,
              }))}
            />
          )
        }
      </Loaded>
    </section>
  );
}
