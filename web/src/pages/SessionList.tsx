import { useState } from "react";
import { Problem } from "../api/http.ts";
import { endOtherSessions, endSession, getSessions } from "../api/service.ts";
import type { SessionEntry } from "../api/types.ts";
import { useResource } from "../api/useResource.ts";
import { useI18n } from "../i18n/index.tsx";
import { Button } from "../ui/Button.tsx";
import { Badge, Loaded } from "../ui/States.tsx";
import { useToast } from "../ui/Toast.tsx";

/** Where the person is signed in, and a way to end it. */
export function SessionList() {
  const { t } = useI18n();
  const sessions = useResource("sessions", (signal) => getSessions(signal));
  return (
    <section className="section" aria-labelledby="sessions">
      <h2 id="sessions">{t.accountSecurity.sessionsTitle}</h2>
      <p className="soft small">{t.accountSecurity.sessionsText}</p>
      <Loaded of={sessions} lines={3}>
        {(data) => <Table sessions={data.sessions} onChange={sessions.reload} />}
      </Loaded>
    </section>
  );
}

function Table({ sessions, onChange }: { sessions: SessionEntry[]; onChange: () => void }) {
  const { t, dateTime, problem: problemText } = useI18n();
  const toast = useToast();
  const [busy, setBusy] = useState<string | null>(null);
  const run = async (what: string, work: () => Promise<string>) => {
    if (busy) return;
    setBusy(what);
    try {
      toast(await work());
    } catch (error) {
      toast(error instanceof Problem ? problemText(error) : t.errors.unexpected);
    }
    setBusy(null);
    onChange();
  };
  const device = ({ browser, system }: SessionEntry) =>
    t.accountSecurity.on(
      browser === "other" ? t.accountSecurity.unknownBrowser : browser,
      system === "other" ? t.accountSecurity.unknownSystem : system,
    );
  return (
    <>
      <div className="table-frame" tabIndex={0} role="group" aria-label={t.accountSecurity.sessionsTitle}>
        <table className="table stacks">
          <thead>
            <tr>
              <th scope="col">{t.accountSecurity.device}</th>
              <th scope="col">{t.accountSecurity.begun}</th>
              <th scope="col">{t.accountSecurity.lastUsed}</th>
              <th scope="col">
                <span className="visually-hidden">{t.common.actions}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {sessions.map((one) => (
              <tr key={one.session}>
                <th scope="row" data-label={t.accountSecurity.device}>
                  <span className="strong">{device(one)}</span>
                </th>
                <td className="soft" data-label={t.accountSecurity.begun}>
                  {dateTime(one.created_at)}
                </td>
                <td className="soft" data-label={t.accountSecurity.lastUsed}>
                  {dateTime(one.last_seen_at)}
                </td>
                <td className="number">
                  {one.current ? (
                    <Badge tone="accent">{t.accountSecurity.here}</Badge>
                  ) : (
                    <Button
                      small
                      kind="danger"
                      busy={busy === one.session}
                      onClick={() =>
                        void run(one.session, async () => {
                          await endSession(one.session);
                          return t.accountSecurity.ended;
                        })
                      }
                    >
                      {t.accountSecurity.end}
                      <span className="visually-hidden"> {device(one)}</span>
                    </Button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {sessions.length > 1 && (
        <div className="actions">
          <Button
            busy={busy === "others"}
            onClick={() =>
              void run("others", async () => t.accountSecurity.othersEnded((await endOtherSessions()).ended))
            }
          >
            {t.accountSecurity.endOthers}
          </Button>
        </div>
      )}
    </>
  );
}
