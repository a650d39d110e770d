import { useState } from "react";
import { Problem } from "../api/http.ts";
import { acknowledge, getAcknowledgement } from "../api/service.ts";
import { useResource } from "../api/useResource.ts";
import { useI18n } from "../i18n/index.tsx";
import { documents } from "../lib/documents.ts";
import { Button } from "../ui/Button.tsx";
import { Notice } from "../ui/States.tsx";
import { useToast } from "../ui/Toast.tsx";
import { useSession } from "./session.tsx";

/** Asks whoever is signed in to read a new version of the Terms and the Policy. It stands in nobody's way. */
export function NewVersion() {
  const { t, language, date, problem: problemText } = useI18n();
  const { session } = useSession();
  const toast = useToast();
  const [busy, setBusy] = useState(false);
  const key = session.state === "in" ? `acknowledgement ${session.account}` : null;
  const state = useResource(key, (signal) => getAcknowledgement(signal));
  const policy = state.data;
  if (key === null || !policy?.acknowledgement_due) return null;
  const next = policy.in_force;
  const confirm = async () => {
    setBusy(true);
    try {
      const newer = await acknowledge({ hash: next.hash, language });
      state.update(() => newer);
      toast(t.newVersion.done);
    } catch (error) {
      toast(error instanceof Problem ? problemText(error) : t.errors.unexpected);
      state.reload();
    } finally {
      setBusy(false);
    }
  };
  const changes = documents(language, `diff?from=${policy.accepted_version ?? 1}&to=${next.version}`);
  return (
    <div className="new-version">
      <Notice
        tone="caution"
        action={
          <Button small onClick={() => void confirm()} disabled={busy}>
            {t.newVersion.read}
          </Button>
        }
      >
        <p>
          {t.newVersion.title(next.version, date(next.effective_at))} {next.summary}{" "}
          <a href={changes} target="_blank" rel="noreferrer">
            {t.newVersion.changes}
          </a>
        </p>
        <p className="small">{t.newVersion.meaning}</p>
      </Notice>
    </div>
  );
}
