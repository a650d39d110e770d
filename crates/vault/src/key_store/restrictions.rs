//! Who restricts the use of their data. It lies with the keys, where no backup of the records can undo it.

use std::collections::HashMap;

use ensoex_sql::Query;

use super::{KeyStore, subject_of};
use crate::error::VaultError;
use crate::subject::SubjectId;

ensoex_sql::statements! {
    STATEMENTS;
    RESTRICT = "INSERT INTO restrictions (subject, since_ms) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    LIFT = "DELETE FROM restrictions WHERE subject = $1";
    RESTRICTED = "SELECT subject, since_ms FROM restrictions";
}

/// What forgets a subject's restriction, if there is one.
pub(super) fn lift(subject: &SubjectId) -> Query {
    LIFT.bind(&subject.as_bytes()[..])
}

impl KeyStore {
    /// Remembers that a subject restricts the use of their data; an earlier time stays.
    pub(crate) async fn restrict(&self, subject: &SubjectId, since_ms: u64) -> Result<(), VaultError> {
        let query = RESTRICT.bind(&subject.as_bytes()[..]).bind(since_ms as i64);
        self.database.execute(query).await?;
        Ok(())
    }

    /// Forgets a restriction.
    pub(crate) async fn lift_restriction(&self, subject: &SubjectId) -> Result<(), VaultError> {
        self.database.execute(lift(subject)).await?;
        Ok(())
    }

    /// Every restriction with its time.
    pub(crate) async fn restrictions(&self) -> Result<HashMap<SubjectId, u64>, VaultError> {
        let rows = self.database.fetch_all(RESTRICTED).await?;
        rows.iter()
            .map(|row| Ok((subject_of(row)?, row.unsigned("since_ms")?)))
            .collect()
    }
}
