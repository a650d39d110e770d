//! What law forbids to destroy, and what is kept of erased subjects because of it.
//!
//! A kept value lies here alone, sealed under a service key of its own: the subject's keys, shares and rows are gone.
//! Deleting it here is its destruction. It does not know who may open it (`vault::holding`).

use std::sync::atomic::Ordering;

use ensoex_sql::{Row, SqlError};
use zeroize::Zeroizing;

use super::service_keys::{Generation, ServiceKey};
use super::{KeyStore, Place, subject_of};
use crate::catalogue::FieldName;
use crate::error::VaultError;
use crate::law::LegalHold;
use crate::request::RecordName;
use crate::sealing::{self, Context};
use crate::subject::SubjectId;

ensoex_sql::statements! {
    STATEMENTS;
    PLACE_HOLD =
        "INSERT INTO holds (subject, field, law, until_ms) VALUES ($1, $2, $3, $4)
            ON CONFLICT (subject, field) DO UPDATE SET law = excluded.law, until_ms = excluded.until_ms";
    HOLDS = "SELECT field, law, until_ms FROM holds WHERE subject = $1 ORDER BY field";
    LIFT_HOLD = "DELETE FROM holds WHERE subject = $1 AND field = $2";
    DELETE_HOLDS_OF = "DELETE FROM holds WHERE subject = $1";
    KEEP =
        "INSERT INTO held_values (subject, field, record, law, until_ms, sealed, generation)
            VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
    KEPT = "SELECT subject, field, record, law, until_ms FROM held_values WHERE subject = $1 ORDER BY field, record";
    KEPT_VALUE = "SELECT sealed, generation FROM held_values WHERE subject = $1 AND field = $2 AND record = $3";
    KEPT_UNTIL =
        "SELECT subject, field, record, law, until_ms FROM held_values WHERE until_ms <= $1
            ORDER BY subject, field, record LIMIT $2";
    STALE_KEPT =
        "SELECT subject, field, record, law, until_ms FROM held_values
            WHERE generation < $1 AND (subject, field, record) > ($2, $3, $4) ORDER BY subject, field, record LIMIT $5";
    RESEAL_KEPT =
        "UPDATE held_values SET sealed = $4, generation = $5
            WHERE subject = $1 AND field = $2 AND record = $3 AND generation < $5";
    COUNT_KEPT_UNTIL = "SELECT count(*) FROM held_values WHERE until_ms <= $1";
    RELEASE = "DELETE FROM held_values WHERE subject = $1 AND field = $2 AND record = $3";
}

/// A value of an erased subject that is kept.
pub(crate) struct Kept {
    pub(crate) subject: SubjectId,
    pub(crate) record: RecordName,
    pub(crate) hold: LegalHold,
}

impl Kept {
    pub(crate) fn place(&self) -> Place<'_> {
        Place {
            subject: &self.subject,
            field: self.hold.field,
            record: &self.record,
        }
    }

    fn of(row: &Row) -> Result<Self, VaultError> {
        Ok(Self {
            subject: subject_of(row)?,
            record: RecordName::stored(row.get("record")?),
            hold: hold(row)?,
        })
    }
}

impl KeyStore {
    /// Remembers a hold; another on the same field gives way.
    pub(crate) async fn place_hold(&self, subject: &SubjectId, hold: &LegalHold) -> Result<(), VaultError> {
        let place = PLACE_HOLD
            .bind(&subject.as_bytes()[..])
            .bind(hold.field.as_str())
            .bind(hold.law.as_str())
            .bind(hold.until_ms as i64);
        self.database.execute(place).await?;
        Ok(())
    }

    /// Forgets a hold.
    pub(crate) async fn lift_hold(&self, subject: &SubjectId, field: FieldName) -> Result<(), VaultError> {
        let lift = LIFT_HOLD.bind(&subject.as_bytes()[..]).bind(field.as_str());
        self.database.execute(lift).await?;
        Ok(())
    }

    /// The holds on a subject's fields, also those whose date has passed.
    pub(crate) async fn holds(&self, subject: &SubjectId) -> Result<Vec<LegalHold>, VaultError> {
        let rows = self
            .database
            .fetch_all(HOLDS.bind(&subject.as_bytes()[..]))
            .await?;
        rows.iter().map(hold).collect()
    }

    /// Keeps these values of a subject that is about to be erased, durably and together, in the place of its holds.
    pub(crate) async fn keep(
        &self,
        subject: &SubjectId,
        values: &[(Kept, Zeroizing<Vec<u8>>)],
    ) -> Result<(), VaultError> {
        let (generation, key) = self.service_keys.current(ServiceKey::Held)?;
        let mut transaction = self.database.begin().await?;
        for (kept, plain) in values {
            let keep = KEEP
                .bind(&subject.as_bytes()[..])
                .bind(kept.hold.field.as_str())
                .bind(kept.record.as_str())
                .bind(kept.hold.law.as_str())
                .bind(kept.hold.until_ms as i64)
                .bind(sealing::seal(&key, &self.held_context(kept.place()), plain)?)
                .bind(i64::from(generation));
            transaction.execute(keep).await?;
        }
        transaction.execute(lift_all(subject)).await?;
        Ok(transaction.commit().await?)
    }

    /// What is kept of an erased subject.
    pub(crate) async fn kept(&self, subject: &SubjectId) -> Result<Vec<Kept>, VaultError> {
        let rows = self
            .database
            .fetch_all(KEPT.bind(&subject.as_bytes()[..]))
            .await?;
        rows.iter().map(Kept::of).collect()
    }

    /// Whether this value is kept.
    pub(crate) async fn is_kept(&self, place: Place<'_>) -> Result<bool, VaultError> {
        Ok(self
            .database
            .fetch_optional(at(KEPT_VALUE, place))
            .await?
            .is_some())
    }

    /// Opens a kept value; `None` when there is none. Only after the access is in the log.
    pub(crate) async fn open_kept(&self, place: Place<'_>) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        let Some(row) = self.database.fetch_optional(at(KEPT_VALUE, place)).await? else {
            return Ok(None);
        };
        let (sealed, generation): (Vec<u8>, i64) = (row.get("sealed")?, row.get("generation")?);
        self.opened.fetch_add(1, Ordering::Relaxed);
        let key = self
            .service_keys
            .get(ServiceKey::Held, generation as Generation)?;
        let opened = sealing::unseal(&key, &self.held_context(place), &sealed);
        opened.map(Some).ok_or(VaultError::Integrity)
    }

    /// Up to `limit` kept values after this one that are sealed under an older key.
    pub(crate) async fn stale_kept(&self, after: Option<&Kept>, limit: u32) -> Result<Vec<Kept>, VaultError> {
        let (generation, _) = self.service_keys.current(ServiceKey::Held)?;
        let (subject, field, record) = after.map_or((&[][..], "", ""), |kept| {
            (
                &kept.subject.as_bytes()[..],
                kept.hold.field.as_str(),
                kept.record.as_str(),
            )
        });
        let stale = STALE_KEPT
            .bind(i64::from(generation))
            .bind(subject)
            .bind(field)
            .bind(record)
            .bind(i64::from(limit));
        self.database
            .fetch_all(stale)
            .await?
            .iter()
            .map(Kept::of)
            .collect()
    }

    /// Seals kept values under the newest key, durably and together; gives how many. What does not open stays as closed as it
    /// was. Only after the accesses are in the log.
    pub(crate) async fn reseal_kept(&self, values: &[Kept]) -> Result<u64, VaultError> {
        let (generation, key) = self.service_keys.current(ServiceKey::Held)?;
        let (mut transaction, mut resealed) = (self.database.begin().await?, 0);
        for kept in values {
            let plain = match self.open_kept(kept.place()).await {
                Ok(Some(plain)) => plain,
                Ok(None) => continue,
                Err(VaultError::Integrity) => {
                    let (subject, field) = (&kept.subject, kept.hold.field.as_str());
                    tracing::error!(%subject, field, "a value that law holds was damaged and is not renewed");
                    continue;
                }
                Err(error) => return Err(error),
            };
            let sealed = sealing::seal(&key, &self.held_context(kept.place()), &plain)?;
            let reseal = at(RESEAL_KEPT, kept.place())
                .bind(sealed)
                .bind(i64::from(generation));
            transaction.execute(reseal).await?;
            resealed += 1;
        }
        transaction.commit().await?;
        Ok(resealed)
    }

    /// Up to `limit` kept values whose date has come.
    pub(crate) async fn kept_until(&self, now_ms: u64, limit: u32) -> Result<Vec<Kept>, VaultError> {
        let due = KEPT_UNTIL.bind(now_ms as i64).bind(i64::from(limit));
        self.database.fetch_all(due).await?.iter().map(Kept::of).collect()
    }

    /// How many kept values have a date until then.
    pub(crate) async fn count_kept_until(&self, at_ms: u64) -> Result<u64, VaultError> {
        let count: i64 = self
            .database
            .fetch_value(COUNT_KEPT_UNTIL.bind(at_ms as i64))
            .await?;
        Ok(count as u64)
    }

    /// Destroys a kept value, durably, in the write-ahead log too.
    pub(crate) async fn release(&self, place: Place<'_>) -> Result<(), VaultError> {
        self.database.execute(at(RELEASE, place)).await?;
        self.flush().await
    }

    fn held_context(&self, place: Place<'_>) -> Context {
        place.context("held value").part(&self.vault_id)
    }
}

/// What forgets every hold on a subject's fields.
pub(super) fn lift_all(subject: &SubjectId) -> ensoex_sql::Query {
    DELETE_HOLDS_OF.bind(&subject.as_bytes()[..])
}

fn at(statement: ensoex_sql::Statement, place: Place<'_>) -> ensoex_sql::Query {
    statement
        .bind(&place.subject.as_bytes()[..])
        .bind(place.field.as_str())
        .bind(place.record.as_str())
}

fn hold(row: &Row) -> Result<LegalHold, VaultError> {
    let word = |column: &'static str| row.get::<String>(column);
    Ok(LegalHold {
        field: word("field")?
            .parse()
            .map_err(|()| SqlError::malformed("field"))?,
        law: word("law")?.parse().map_err(|()| SqlError::malformed("law"))?,
        until_ms: row.unsigned("until_ms")?,
    })
}
