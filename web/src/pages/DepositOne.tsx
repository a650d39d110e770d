import { useParams } from "react-router";
import { getDeposit } from "../api/service.ts";
import type { Deposit } from "../api/types.ts";
import { useI18n } from "../i18n/index.tsx";
import { isFinal, MovementView } from "../money/MovementView.tsx";
import { useMovement } from "../money/useMovement.ts";
import { ButtonLink } from "../ui/Button.tsx";
import { Page } from "../ui/Page.tsx";
import { Loaded } from "../ui/States.tsx";

/** The way of a deposit that goes well. */
const path = ["created", "pending", "credited"];

export default function DepositOne() {
  const { t, number } = useI18n();
  const id = useParams().id ?? "";
  const deposit = useMovement<Deposit>(id, getDeposit, (take) => ({ deposit: take }));
  const data = deposit.data;
  const title = data ? t.deposit.oneTitle(`${number(data.amount, { decimalsMin: 2 })} ${data.asset}`) : t.deposit.title;
  return (
    <Page kind="narrow" title={title}>
      <Loaded of={deposit} lines={8}>
        {(loaded) => (
          <MovementView
            movement={loaded}
            label={t.deposit.statuses[loaded.status]}
            text={t.deposit.statusText[loaded.status]}
            path={path}
            actions={<Actions deposit={loaded} />}
          />
        )}
      </Loaded>
    </Page>
  );
}

function Actions({ deposit }: { deposit: Deposit }) {
  const { t } = useI18n();
  if (deposit.status === "credited")
    return (
      <>
        <ButtonLink to="/" kind="primary">
          {t.deposit.toMarkets}
        </ButtonLink>
        <ButtonLink to="/wallet">{t.deposit.toWallet}</ButtonLink>
      </>
    );
  if (isFinal(deposit.status))
    return (
      <>
        <ButtonLink to={`/deposit?${new URLSearchParams({ asset: deposit.asset, amount: deposit.amount })}`} kind="primary">
          {t.deposit.again}
        </ButtonLink>
        <ButtonLink to="/wallet">{t.deposit.toWallet}</ButtonLink>
      </>
    );
  return deposit.redirect_url ? (
    <a className="button" href={deposit.redirect_url}>
      {t.deposit.submit}
    </a>
  ) : null;
}
