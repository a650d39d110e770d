import { type FormEvent, useState } from "react";
import { Problem } from "../api/http.ts";
import { addPasskey, beginPasskey, removePasskey, renamePasskey } from "../api/service.ts";
import type { Passkey } from "../api/types.ts";
import { useI18n } from "../i18n/index.tsx";
import { makePasskey, passkeysWork } from "../lib/passkey.ts";
import { Button } from "../ui/Button.tsx";
import { Dialog } from "../ui/Dialog.tsx";
import { TextField } from "../ui/Field.tsx";
import { Notice } from "../ui/States.tsx";
import { useToast } from "../ui/Toast.tsx";

const labelLengthMax = 40;

interface PasskeysProps {
  passkeys: Passkey[];
  /** Whether the site's address allows them. */
  possible: boolean;
  /** Told with new recovery codes, if there are any. */
  onChange: (codes?: string[]) => void;
}

type Open = { what: "add" } | { what: "rename" | "remove"; passkey: Passkey };

/** The person's passkeys: added, named and removed. */
export function Passkeys({ passkeys, possible, onChange }: PasskeysProps) {
  const { t, date, dateTime } = useI18n();
  const [open, setOpen] = useState<Open | null>(null);
  const close = () => setOpen(null);
  const done = (codes?: string[]) => {
    close();
    onChange(codes);
  };
  const works = possible && passkeysWork();
  return (
    <div className="panel">
      <div className="factor">
        <div>
          <h3>{t.passkeys.title}</h3>
          <p className="soft small">{works ? t.passkeys.text : possible ? t.passkeys.noBrowser : t.passkeys.noName}</p>
        </div>
        {works && (
          <Button kind={passkeys.length === 0 ? "primary" : "secondary"} onClick={() => setOpen({ what: "add" })}>
            {t.passkeys.add}
          </Button>
        )}
      </div>
      {passkeys.map((passkey) => (
        <div className="factor" key={passkey.passkey}>
          <div>
            <p className="strong">{passkey.label}</p>
            <p className="soft small">
              {t.passkeys.added(date(passkey.created_at))}{" "}
              {passkey.last_used_at ? t.passkeys.used(dateTime(passkey.last_used_at)) : t.passkeys.neverUsed}
            </p>
          </div>
          <div className="actions">
            <Button small onClick={() => setOpen({ what: "rename", passkey })}>
              {t.passkeys.rename}
              <span className="visually-hidden"> {passkey.label}</span>
            </Button>
            <Button small kind="danger" onClick={() => setOpen({ what: "remove", passkey })}>
              {t.passkeys.remove}
              <span className="visually-hidden"> {passkey.label}</span>
            </Button>
          </div>
        </div>
      ))}
      {open?.what === "add" && <Naming title={t.passkeys.add} label="" lead={t.passkeys.addText} submit={t.passkeys.make} onClose={close} onDone={done} work={async (label) => {
        const question = await beginPasskey();
        const credential = await makePasskey(question.public_key);
        return (await addPasskey({ challenge: question.challenge, label, credential })).recovery_codes;
      }} told={t.passkeys.madeOne} />}
      {open?.what === "rename" && <Naming title={t.passkeys.renameTitle} label={open.passkey.label} submit={t.passkeys.rename} onClose={close} onDone={done} work={async (label) => {
        await renamePasskey(open.passkey.passkey, label);
        return undefined;
      }} told={t.passkeys.renamed} />}
      {open?.what === "remove" && <Removal passkey={open.passkey} onClose={close} onRemoved={done} />}
    </div>
  );
}

interface NamingProps {
  title: string;
  lead?: string;
  label: string;
  submit: string;
  told: string;
  work: (label: string) => Promise<string[] | undefined>;
  onClose: () => void;
  onDone: (codes?: string[]) => void;
}

function Naming({ title, lead, label, submit, told, work, onClose, onDone }: NamingProps) {
  const { t, problem: problemText } = useI18n();
  const toast = useToast();
  const [typed, setTyped] = useState(label);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const send = async (event: FormEvent) => {
    event.preventDefault();
    if (busy || !typed.trim()) return;
    setBusy(true);
    setProblem(null);
    try {
      const codes = await work(typed.trim());
      toast(told);
      onDone(codes);
    } catch (error) {
      setProblem(error instanceof Problem ? error : new Problem("unexpected", 0, String(error), null, {}));
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form className="form tight" onSubmit={(event) => void send(event)} noValidate>
        {lead && <p className="soft small">{lead}</p>}
        <TextField
          label={t.passkeys.label}
          hint={t.passkeys.labelHint}
          maxLength={labelLengthMax}
          autoComplete="off"
          autoFocus
          value={typed}
          onChange={setTyped}
        />
        {problem && <Notice tone="problem">{problemText(problem)}</Notice>}
        <div className="actions">
          <Button onClick={onClose}>{t.common.back}</Button>
          <Button type="submit" kind="primary" busy={busy} disabled={!typed.trim()}>
            {submit}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Removal({ passkey, onClose, onRemoved }: { passkey: Passkey; onClose: () => void; onRemoved: () => void }) {
  const { t, problem: problemText } = useI18n();
  const toast = useToast();
  const [busy, setBusy] = useState(false);
  const leave = async () => {
    setBusy(true);
    try {
      await removePasskey(passkey.passkey);
      toast(t.passkeys.removed);
    } catch (error) {
      toast(error instanceof Problem ? problemText(error) : t.errors.unexpected);
    }
    onClose();
    onRemoved();
  };
  return (
    <Dialog title={t.passkeys.removeTitle(passkey.label)} onClose={onClose}>
      <p>{t.passkeys.removeText}</p>
      <div className="actions">
        <Button onClick={onClose}>{t.common.back}</Button>
        <Button kind="sell" busy={busy} onClick={() => void leave()}>
          {t.passkeys.remove}
        </Button>
      </div>
    </Dialog>
  );
}
