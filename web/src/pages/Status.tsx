import { useEffect, useSyncExternalStore } from "react";
import { getAccessHead, getHealth, getMarkets, getPolicy } from "../api/service.ts";
import type { Health, Listing, Policy, SignedHead } from "../api/types.ts";
import { useResource } from "../api/useResource.ts";
import { useI18n } from "../i18n/index.tsx";
import { formatInteger, shortHash } from "../lib/format.ts";
import { feed } from "../live/feed.ts";
import { Button } from "../ui/Button.tsx";
import { Facts } from "../ui/Facts.tsx";
import { Page } from "../ui/Page.tsx";
import { Badge, Loaded, Notice } from "../ui/States.tsx";

interface Findings {
  milliseconds: number;
  at: number;
  health: Health;
  listing: Listing;
  policy: Policy;
  head: SignedHead;
}

async function look(signal: AbortSignal): Promise<Findings> {
  const start = performance.now();
  const health = await getHealth(signal);
  const milliseconds = performance.now() - start;
  const [listing, policy, head] = await Promise.all([getMarkets(signal), getPolicy(signal), getAccessHead(signal)]);
  return { milliseconds, at: Date.now(), health, listing, policy, head };
}

export default function Status() {
  const { t, language, time } = useI18n();
  const findings = useResource("status", look);
  const symbol = findings.data?.listing.markets[0]?.symbol;
  const live = useLiveState(symbol);
  const data = findings.data;
  const well = !findings.problem && live !== "offline" && data?.listing.markets.every((market) => market.state === "trading");
  return (
    <Page
      kind="text"
      title={t.status.title}
      lead={data ? t.status.checkedAt(time(data.at)) : t.status.lead}
      actions={
        <Button onClick={findings.reload} busy={findings.loading}>
          {t.status.again}
        </Button>
      }
    >
      {data && <Notice tone={well ? "good" : "caution"}>{well ? t.status.allWell : t.status.partly}</Notice>}
      {data?.health.demo && <Notice tone="accent">{t.status.demoText}</Notice>}
      <Loaded of={findings} lines={6}>
        {({ milliseconds, listing, policy, head }) => (
          <div className="panel">
            <Facts
              roomy
              rows={[
                { term: t.status.service, value: t.status.reachable(formatInteger(Math.max(1, Math.round(milliseconds)), language)) },
                { term: t.status.liveData, value: t.status.states[live] },
                ...listing.markets.map((market) => ({
                  term: `${market.base}/${market.quote}`,
                  value: (
                    <Badge tone={market.state === "trading" ? "good" : "caution"}>{t.market.state[market.state]}</Badge>
                  ),
                })),
                {
                  term: t.status.policy,
                  value: (
                    <>
                      {policy.version} <span className="mono">{shortHash(policy.hash)}</span>
                    </>
                  ),
                },
                { term: t.status.log, value: t.status.entries(formatInteger(head.size, language)) },
              ]}
            />
          </div>
        )}
      </Loaded>
    </Page>
  );
}

/** Opens the live connection while the page looks at it. */
function useLiveState(symbol: string | undefined) {
  useEffect(() => {
    if (!symbol) return;
    return feed.subscribe({ [`${symbol.toLowerCase()}@trade`]: () => {} });
  }, [symbol]);
  return useSyncExternalStore(
    (listener) => feed.listen(listener),
    () => feed.state,
  );
}
