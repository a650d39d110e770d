import { Link } from "react-router";
import type { Asset, DepositStatus, WithdrawalStatus } from "../api/types.ts";
import { useI18n } from "../i18n/index.tsx";
import { Badge } from "../ui/States.tsx";

export interface CardMovement {
  id: string;
  to: string;
  asset: string;
  amount: string;
  status: DepositStatus | WithdrawalStatus;
  label: string;
  at: string;
}

export const movementTone = (status: DepositStatus | WithdrawalStatus) =>
  status === "credited" || status === "paid"
    ? "good"
    : status === "failed" || status === "refused"
      ? "bad"
      : status === "canceled" || status === "expired" || status === "returned"
        ? "plain"
        : "accent";

/** Recent deposits or withdrawals, each a link to its timeline. */
export function CardMovements({ rows, assets }: { rows: CardMovement[]; assets: Asset[] }) {
  const { t, number, dateTime } = useI18n();
  return (
    <div className="table-frame">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">{t.common.date}</th>
            <th scope="col" className="number">
              {t.common.amount}
            </th>
            <th scope="col">{t.common.state}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => {
            const decimalsMin = assets.find((asset) => asset.code === row.asset)?.display_decimals ?? 2;
            return (
              <tr key={row.id} className="linked">
                <th scope="row">
                  <Link to={row.to}>
                    <time dateTime={row.at}>{dateTime(row.at)}</time>
                  </Link>
                </th>
                <td className="number">
                  {number(row.amount, { decimalsMin })} {row.asset}
                </td>
                <td>
                  <Badge tone={movementTone(row.status)}>{row.label}</Badge>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
