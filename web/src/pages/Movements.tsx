import { useCallback, useEffect } from "react";
import { getLedger } from "../api/service.ts";
import { usePages } from "../api/usePages.ts";
import { useI18n } from "../i18n/index.tsx";
import { named } from "../i18n/problem.ts";
import { accountFeed } from "../live/account.ts";
import { PagedTable } from "../ui/PagedTable.tsx";
import { Empty } from "../ui/States.tsx";

const rowsPerPage = 25;
/** A fill changes several balances at once: read the list again when they have settled. */
const settleMilliseconds = 400;

/** Every entry of the account, newest first. */
export function Movements({ asset, onAsset, assets }: { asset: string; onAsset: (asset: string) => void; assets: string[] }) {
  const { t, number, dateTime } = useI18n();
  const load = useCallback(
    async (before: string | number | null, signal?: AbortSignal) => {
      const page = await getLedger({ asset, before, limit: rowsPerPage }, signal);
      return { rows: page.entries, next: page.next };
    },
    [asset],
  );
  const pages = usePages(`ledger ${asset}`, load);
  const { reload } = pages;
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = accountFeed.subscribe({
      balances: () => {
        clearTimeout(timer);
        timer = setTimeout(reload, settleMilliseconds);
      },
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [reload]);

  return (
    <section className="section" aria-labelledby="movements">
      <div className="section-head">
        <h2 id="movements">{t.wallet.movements}</h2>
        <div className="input">
          <select aria-label={t.common.asset} value={asset} onChange={(event) => onAsset(event.target.value)}>
            <option value="">{t.wallet.allAssets}</option>
            {assets.map((code) => (
              <option key={code}>{code}</option>
            ))}
          </select>
        </div>
      </div>
      <PagedTable
        of={pages}
        className="movements"
        label={t.wallet.movements}
        empty={<Empty title={t.wallet.movementsEmpty} />}
        head={
          <tr>
            <th scope="col">{t.common.date}</th>
            <th scope="col">{t.wallet.entry}</th>
            <th scope="col" className="number">
              {t.common.amount}
            </th>
            <th scope="col">{t.common.reference}</th>
          </tr>
        }
        row={(entry) => (
          <tr key={entry.entry ?? `${entry.sequence} ${entry.asset} ${entry.code} ${entry.amount}`}>
            <td className="nowrap soft when" data-label={t.common.date}>
              <time dateTime={entry.at}>{dateTime(entry.at)}</time>
            </td>
            <td className="what" data-label={t.wallet.entry}>{named(t.wallet.codes, entry.code)}</td>
            <td className="number amount" data-label={t.common.amount}>
              <span>
                {number(entry.amount, { decimalsMin: 2, signed: true })} <span className="unit">{entry.asset}</span>
              </span>
            </td>
            <td data-label={t.common.reference} className="faint reference-cell">
              {entry.reference && <span className="mono reference">{entry.reference}</span>}
            </td>
          </tr>
        )}
      />
    </section>
  );
}
