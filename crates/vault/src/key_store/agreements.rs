//! Who agreed to what is optional. It lies with the keys, where no backup of the records brings back what was withdrawn.

use std::collections::HashSet;

use ensoex_sql::Query;

use super::{KeyStore, subject_of};
use crate::agreement::Optional;
use crate::error::VaultError;
use crate::subject::SubjectId;

ensoex_sql::statements! {
    STATEMENTS;
    AGREE = "INSERT INTO agreements (subject, what, since_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    WITHDRAW = "DELETE FROM agreements WHERE subject = $1 AND what = $2";
    WITHDRAW_ALL = "DELETE FROM agreements WHERE subject = $1";
    AGREED_SINCE = "SELECT since_ms FROM agreements WHERE subject = $1 AND what = $2";
    AGREED = "SELECT subject FROM agreements WHERE what = $1";
}

/// What forgets all that a subject agreed to.
pub(super) fn withdraw_all(subject: &SubjectId) -> Query {
    WITHDRAW_ALL.bind(&subject.as_bytes()[..])
}

impl KeyStore {
    /// Remembers that a subject agreed; an earlier time stays.
    pub(crate) async fn agree(
        &self,
        subject: &SubjectId,
        what: Optional,
        since_ms: u64,
    ) -> Result<(), VaultError> {
        let agree = AGREE.bind(&subject.as_bytes()[..]).bind(what.as_str());
        self.database.execute(agree.bind(since_ms as i64)).await?;
        Ok(())
    }

    /// Forgets it.
    pub(crate) async fn withdraw(&self, subject: &SubjectId, what: Optional) -> Result<(), VaultError> {
        let withdraw = WITHDRAW.bind(&subject.as_bytes()[..]).bind(what.as_str());
        self.database.execute(withdraw).await?;
        Ok(())
    }

    /// Since when a subject agrees, in milliseconds since 1970.
    pub(crate) async fn agreed_since(
        &self,
        subject: &SubjectId,
        what: Optional,
    ) -> Result<Option<u64>, VaultError> {
        let asked = AGREED_SINCE.bind(&subject.as_bytes()[..]).bind(what.as_str());
        let since: Option<i64> = self.database.fetch_optional_value(asked).await?;
        Ok(since.map(|ms| ms as u64))
    }

    /// Everybody who agrees.
    pub(crate) async fn agreed(&self, what: Optional) -> Result<HashSet<SubjectId>, VaultError> {
        let rows = self.database.fetch_all(AGREED.bind(what.as_str())).await?;
        rows.iter().map(subject_of).collect()
    }
}
