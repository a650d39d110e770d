import { useState } from "react";
import { Problem } from "../api/http.ts";
import { deleteApiKey, getApiKeys } from "../api/service.ts";
import type { ApiKey, NewApiKey } from "../api/types.ts";
import { useResource } from "../api/useResource.ts";
import { useI18n } from "../i18n/index.tsx";
import { Button } from "../ui/Button.tsx";
import { Copyable } from "../ui/Copy.tsx";
import { Dialog } from "../ui/Dialog.tsx";
import { Page } from "../ui/Page.tsx";
import { Empty, Loaded, Notice } from "../ui/States.tsx";
import { useToast } from "../ui/Toast.tsx";
import { ApiKeyForm } from "./ApiKeyForm.tsx";

export default function ApiKeys() {
  const { t } = useI18n();
  const keys = useResource("api keys", (signal) => getApiKeys(signal));
  const [created, setCreated] = useState<NewApiKey | null>(null);
  return (
    <Page title={t.apiKeys.title} lead={t.apiKeys.lead}>
      {created && (
        <section className="panel" aria-labelledby="created">
          <h2 id="created">{t.apiKeys.createdTitle}</h2>
          <div className="field">
            <span className="label">{t.apiKeys.createdKey}</span>
            <Copyable value={created.key} label={t.apiKeys.createdKey} />
          </div>
          {created.secret && (
            <>
              <div className="field">
                <span className="label">{t.apiKeys.createdSecret}</span>
                <Copyable value={created.secret} label={t.apiKeys.createdSecret} />
              </div>
              <Notice tone="caution">{t.apiKeys.secretOnce}</Notice>
            </>
          )}
          <div className="actions">
            <Button kind="primary" onClick={() => setCreated(null)}>
              {t.apiKeys.done}
            </Button>
          </div>
        </section>
      )}
      <section className="section" aria-labelledby="keys">
        <h2 id="keys">{t.apiKeys.yours}</h2>
        <Loaded of={keys} lines={3}>
          {(data) =>
            data.keys.length === 0 ? (
              <Empty title={t.apiKeys.empty} text={t.apiKeys.emptyText} />
            ) : (
              <KeyTable keys={data.keys} onChange={keys.reload} />
            )
          }
        </Loaded>
      </section>
      {!created && (
        <ApiKeyForm
          onCreated={(key) => {
            setCreated(key);
            keys.reload();
            window.scrollTo(0, 0);
          }}
        />
      )}
    </Page>
  );
}

function KeyTable({ keys, onChange }: { keys: ApiKey[]; onChange: () => void }) {
  const { t, dateTime, date } = useI18n();
  const [leaving, setLeaving] = useState<ApiKey | null>(null);
  return (
    <>
      <div className="table-frame" tabIndex={0} role="group" aria-label={t.apiKeys.yours}>
        <table className="table stacks">
          <thead>
            <tr>
              <th scope="col">{t.apiKeys.label}</th>
              <th scope="col">{t.apiKeys.type}</th>
              <th scope="col">{t.apiKeys.createdKey}</th>
              <th scope="col">{t.apiKeys.permissions}</th>
              <th scope="col">{t.apiKeys.created}</th>
              <th scope="col">{t.apiKeys.lastUsed}</th>
              <th scope="col">
                <span className="visually-hidden">{t.common.actions}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {keys.map((key) => (
              <tr key={key.key}>
                <th scope="row" data-label={t.apiKeys.label}>
                  <span className="strong">{key.label}</span>
                </th>
                <td data-label={t.apiKeys.type}>{key.type === "hmac" ? t.apiKeys.hmac : t.apiKeys.ed25519}</td>
                <td data-label={t.apiKeys.createdKey}>
                  <span className="mono" title={key.key}>
                    {key.key.slice(0, 10)}…
                  </span>
                </td>
                <td data-label={t.apiKeys.permissions}>
                  {key.permissions.map((permission) => t.apiKeys.short[permission]).join(", ")}
                </td>
                <td className="nowrap soft" data-label={t.apiKeys.created}>
                  {date(key.created_at)}
                </td>
                <td className="nowrap soft" data-label={t.apiKeys.lastUsed}>
                  {key.last_used_at ? dateTime(key.last_used_at) : t.apiKeys.never}
                </td>
                <td className="number">
                  <Button small kind="danger" onClick={() => setLeaving(key)}>
                    {t.apiKeys.remove}
                    <span className="visually-hidden"> {key.label}</span>
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {leaving && <Removal apiKey={leaving} onClose={() => setLeaving(null)} onRemoved={onChange} />}
    </>
  );
}

function Removal({ apiKey, onClose, onRemoved }: { apiKey: ApiKey; onClose: () => void; onRemoved: () => void }) {
  const { t, problem: problemText } = useI18n();
  const toast = useToast();
  const [busy, setBusy] = useState(false);
  const remove = async () => {
    setBusy(true);
    try {
      await deleteApiKey(apiKey.key);
      toast(t.apiKeys.removed);
      onClose();
    } catch (error) {
      toast(error instanceof Problem ? problemText(error) : t.errors.unexpected);
      setBusy(false);
    }
    onRemoved();
  };
  return (
    <Dialog title={t.apiKeys.removeTitle(apiKey.label)} onClose={onClose}>
      <p>{t.apiKeys.removeText}</p>
      <div className="actions">
        <Button onClick={onClose}>{t.common.back}</Button>
        <Button kind="sell" busy={busy} onClick={() => void remove()}>
          {t.apiKeys.remove}
        </Button>
      </div>
    </Dialog>
  );
}
