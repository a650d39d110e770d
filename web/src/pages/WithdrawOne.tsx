import { useState } from "react";
import { useParams } from "react-router";
import { Problem } from "../api/http.ts";
import { cancelWithdrawal, continueWithdrawal, getWithdrawal } from "../api/service.ts";
import type { Withdrawal } from "../api/types.ts";
import { useI18n } from "../i18n/index.tsx";
import { isFinal, MovementView } from "../money/MovementView.tsx";
import { useMovement } from "../money/useMovement.ts";
import { Button, ButtonLink } from "../ui/Button.tsx";
import { Page } from "../ui/Page.tsx";
import { Loaded } from "../ui/States.tsx";
import { useToast } from "../ui/Toast.tsx";

/** The way of a withdrawal that goes well. */
const path = ["created", "held", "submitted", "paid"];
/** The way of one that a human looks at first. */
const reviewedPath = ["created", "in_review", "approved", "held", "submitted", "paid"];

export default function WithdrawOne() {
  const { t, number } = useI18n();
  const id = useParams().id ?? "";
  const withdrawal = useMovement<Withdrawal>(id, getWithdrawal, (take) => ({ withdrawal: take }));
  const data = withdrawal.data;
  const title = data ? t.withdraw.oneTitle(`${number(data.amount, { decimalsMin: 2 })} ${data.asset}`) : t.withdraw.title;
  return (
    <Page kind="narrow" title={title}>
      <Loaded of={withdrawal} lines={8}>
        {(loaded) => (
          <MovementView
            movement={loaded}
            label={t.withdraw.statuses[loaded.status]}
            text={t.withdraw.statusText[loaded.status]}
            path={loaded.status === "in_review" || loaded.status === "approved" ? reviewedPath : path}
            actions={<Actions withdrawal={loaded} onChange={withdrawal.reload} />}
          />
        )}
      </Loaded>
    </Page>
  );
}

function Actions({ withdrawal, onChange }: { withdrawal: Withdrawal; onChange: () => void }) {
  const { t, problem: problemText } = useI18n();
  const toast = useToast();
  const [busy, setBusy] = useState(false);
  const run = async (wish: () => Promise<void>) => {
    setBusy(true);
    try {
      await wish();
    } catch (error) {
      toast(error instanceof Problem ? problemText(error) : t.errors.unexpected);
    }
    setBusy(false);
    onChange();
  };
  const cancel = () =>
    run(async () => {
      await cancelWithdrawal(withdrawal.withdrawal);
      toast(t.withdraw.canceled);
    });
  const goOn = () =>
    run(async () => {
      const { redirect_url: page } = await continueWithdrawal(withdrawal.withdrawal);
      if (page) window.location.assign(page);
    });
  if (isFinal(withdrawal.status))
    return (
      <>
        {withdrawal.status !== "paid" && (
          <ButtonLink
            to={`/withdraw?${new URLSearchParams({ asset: withdrawal.asset, amount: withdrawal.amount })}`}
            kind="primary"
          >
            {t.withdraw.again}
          </ButtonLink>
        )}
        <ButtonLink to="/wallet" kind={withdrawal.status === "paid" ? "primary" : "secondary"}>
          {t.deposit.toWallet}
        </ButtonLink>
      </>
    );
  const { status } = withdrawal;
  if (status !== "held" && status !== "in_review" && status !== "approved") return null;
  return (
    <>
      {withdrawal.redirect_url && (
        <a className="button" href={withdrawal.redirect_url}>
          {t.withdraw.submit}
        </a>
      )}
      {status === "approved" && (
        <Button kind="primary" busy={busy} onClick={() => void goOn()}>
          {t.withdraw.submit}
        </Button>
      )}
      <Button kind="quiet" busy={busy} onClick={() => void cancel()}>
        {t.withdraw.cancel}
      </Button>
    </>
  );
}
