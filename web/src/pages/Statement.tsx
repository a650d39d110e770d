import type { ReactNode } from "react";
import { useSearchParams } from "react-router";
import { useBalances } from "../api/live.ts";
import { getBalancesAt, getStatement, statementPath } from "../api/service.ts";
import { assetOf, useListing } from "../api/shared.ts";
import type { Balance, Statement } from "../api/types.ts";
import { useResource } from "../api/useResource.ts";
import { useI18n } from "../i18n/index.tsx";
import { decimal, strip } from "../lib/decimal.ts";
import { SelectField, TextField } from "../ui/Field.tsx";
import { AlignedAmount } from "../ui/Numbers.tsx";
import { Page } from "../ui/Page.tsx";
import { Loaded, Notice } from "../ui/States.tsx";
import "./statement.css";

const minuteMilliseconds = 60_000;

/** A day as the Service counts them: UTC. */
function day(at: Date): string {
  return at.toISOString().slice(0, 10);
}

/** The period and the moment are in the address, so that reload, back and a bookmark show the same. */
export default function StatementPage() {
  const { t } = useI18n();
  const [parameters, setParameters] = useSearchParams();
  const today = new Date();
  const first = day(new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth(), 1)));
  const from = parameters.get("from") ?? first;
  const to = parameters.get("to") ?? day(today);
  const asset = parameters.get("asset") ?? "";
  const at = parameters.get("at") ?? "";
  const assets = useBalances(true).data?.balances.map((balance) => balance.asset) ?? [];
  const change = (name: string) => (value: string) =>
    setParameters(
      (was) => {
        const next = new URLSearchParams(was);
        next.set(name, value);
        return next;
      },
      { replace: true },
    );
  const complete = from !== "" && to !== "";
  const statement = useResource(complete ? `statement ${from} ${to} ${asset}` : null, (signal) =>
    getStatement({ from, to, asset }, signal),
  );
  return (
    <Page title={t.statement.title} lead={t.statement.lead}>
      <section className="section" aria-labelledby="period">
        <h2 id="period">{t.statement.period}</h2>
        <div className="panel statement-fields">
          <TextField label={t.statement.from} type="date" max={to} value={from} onChange={change("from")} />
          <TextField label={t.statement.to} type="date" min={from} value={to} onChange={change("to")} />
          <SelectField
            label={t.common.asset}
            value={asset}
            onChange={change("asset")}
            options={[{ value: "", label: t.wallet.allAssets }, ...assets.map((code) => ({ value: code, label: code }))]}
          />
        </div>
        {complete && statement.problem?.code !== "statement_too_long" && (
          <Loaded of={statement} lines={4}>
            {(data) => <Summary statement={data} />}
          </Loaded>
        )}
        {statement.problem?.code === "statement_too_long" && <Notice>{t.statement.long}</Notice>}
        {complete && (!statement.problem || statement.problem.code === "statement_too_long") && (
          <div className="actions">
            <a className="button primary" href={statementPath({ from, to, asset, format: "pdf" })} download>
              {t.statement.pdf}
            </a>
            <a className="button secondary" href={statementPath({ from, to, asset, format: "csv" })} download>
              {t.statement.csv}
            </a>
          </div>
        )}
        <p className="small soft">{t.statement.same}</p>
      </section>
      <Moment at={at} onAt={change("at")} />
    </Page>
  );
}

/** What there was right after a minute of the past. */
function Moment({ at, onAt }: { at: string; onAt: (at: string) => void }) {
  const { t, dateTime } = useI18n();
  const minute = Date.parse(`${at}Z`);
  // The minute that was chosen belongs to it, to its last microsecond.
  const moment = Number.isNaN(minute) ? null : String(minute + minuteMilliseconds - 1);
  const found = useResource(moment && `balances at ${moment}`, (signal) => getBalancesAt(moment ?? "", signal));
  return (
    <section className="section" aria-labelledby="moment">
      <h2 id="moment">{t.statement.moment}</h2>
      <div className="panel statement-fields">
        <TextField label={t.statement.at} hint={t.statement.atHint} type="datetime-local" value={at} onChange={onAt} />
      </div>
      {moment && (
        <Loaded of={found} lines={4}>
          {(data) => (
            <>
              <Amounts
                label={t.statement.moment}
                heads={[t.wallet.available, t.wallet.held, t.wallet.total]}
                rows={data.balances}
                values={({ available, held, total }) => [available, held, total]}
              />
              <p className="small soft">{t.statement.after(String(data.sequence), dateTime(data.at))}</p>
            </>
          )}
        </Loaded>
      )}
    </section>
  );
}

function Summary({ statement }: { statement: Statement }) {
  const { t } = useI18n();
  return (
    <>
      <Amounts
        label={t.statement.period}
        heads={[t.statement.opening, t.statement.closing]}
        rows={statement.assets}
        values={({ opening, closing }) => [opening, closing]}
        last={{ head: t.statement.entries, value: ({ entries }) => entries.length }}
      />
      {!statement.settled && <p className="small soft">{t.statement.open}</p>}
    </>
  );
}

interface AmountsProps<T> {
  label: string;
  heads: string[];
  rows: T[];
  values: (row: T) => string[];
  last?: { head: string; value: (row: T) => ReactNode };
}

/** One row an asset, its amounts under each other by their decimal signs. */
function Amounts<T extends Pick<Balance, "asset">>({ label, heads, rows, values, last }: AmountsProps<T>) {
  const { t } = useI18n();
  const listing = useListing();
  const decimalsOf = (code: string) => Math.min(2, assetOf(listing.data, code)?.display_decimals ?? 2);
  const places = (row: T) => values(row).map((value) => strip(decimal(value), decimalsOf(row.asset)).scale);
  const width = Math.max(2, ...rows.flatMap(places));
  return (
    <div className="table-frame" tabIndex={0} role="group" aria-label={label}>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">{t.common.asset}</th>
            {heads.map((head) => (
              <th scope="col" className="number" key={head}>
                {head}
              </th>
            ))}
            {last && (
              <th scope="col" className="number">
                {last.head}
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.asset}>
              <th scope="row">
                <span className="strong">{row.asset}</span>
              </th>
              {values(row).map((value, index) => (
                <td className="number" key={heads[index]}>
                  <AlignedAmount value={value} decimals={decimalsOf(row.asset)} width={width} />
                </td>
              ))}
              {last && <td className="number soft">{last.value(row)}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
