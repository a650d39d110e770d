import type { HeldField } from "../api/types.ts";
import { useI18n } from "../i18n/index.tsx";
import { named } from "../i18n/problem.ts";

/** What an erasure leaves, because a law forbids to destroy it, and until when. Nothing, as a rule. */
export function HeldByLaw({ held }: { held: HeldField[] }) {
  const { t, date } = useI18n();
  if (held.length === 0) return null;
  return (
    <section className="panel" aria-labelledby="held-by-law">
      <h2 id="held-by-law">{t.erase.held}</h2>
      <p className="soft small">{t.erase.heldText}</p>
      <ul className="changes">
        {held.map((one) => (
          <li key={one.field}>
            {named(t.myData.fields, one.field)}: {named(t.erase.laws, one.law)}, {t.erase.heldUntil}{" "}
            <time dateTime={one.until}>{date(one.until)}</time>
          </li>
        ))}
      </ul>
    </section>
  );
}
