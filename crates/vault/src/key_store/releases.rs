//! What was released for improving the Service, what of the year's budget it cost, and who objects to being counted. Here, where no
//! backup of the records gives a budget back or undoes an objection.

use std::collections::HashSet;

use ensoex_sql::Query;

use super::{KeyStore, subject_of};
use crate::error::VaultError;
use crate::statistics::Release;
use crate::subject::SubjectId;

ensoex_sql::statements! {
    STATEMENTS;
    OBJECT = "INSERT INTO objections (subject, since_ms) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    WITHDRAW = "DELETE FROM objections WHERE subject = $1";
    OBJECTED = "SELECT since_ms FROM objections WHERE subject = $1";
    OBJECTORS = "SELECT subject FROM objections";
    SPEND = "INSERT INTO releases (question, quarter, year, epsilon_milli, body) VALUES ($1, $2, $3, $4, $5)";
    SPENT = "SELECT CAST(COALESCE(SUM(epsilon_milli), 0) AS BIGINT) FROM releases WHERE year = $1";
    RELEASED = "SELECT body FROM releases WHERE question = $1 AND quarter = $2";
    RELEASES = "SELECT body FROM releases ORDER BY quarter DESC, question LIMIT $1";
}

/// What forgets a subject's objection, if there is one.
pub(super) fn withdraw(subject: &SubjectId) -> Query {
    WITHDRAW.bind(&subject.as_bytes()[..])
}

impl KeyStore {
    /// Remembers that a subject objects to being counted; an earlier time stays.
    pub(crate) async fn object(&self, subject: &SubjectId, since_ms: u64) -> Result<(), VaultError> {
        let object = OBJECT.bind(&subject.as_bytes()[..]).bind(since_ms as i64);
        self.database.execute(object).await?;
        Ok(())
    }

    /// Forgets an objection.
    pub(crate) async fn withdraw_objection(&self, subject: &SubjectId) -> Result<(), VaultError> {
        self.database.execute(withdraw(subject)).await?;
        Ok(())
    }

    /// Since when a subject objects, in milliseconds since 1970.
    pub(crate) async fn objected_since(&self, subject: &SubjectId) -> Result<Option<u64>, VaultError> {
        let since: Option<i64> = self
            .database
            .fetch_optional_value(OBJECTED.bind(&subject.as_bytes()[..]))
            .await?;
        Ok(since.map(|ms| ms as u64))
    }

    /// Everybody who objects.
    pub(crate) async fn objectors(&self) -> Result<HashSet<SubjectId>, VaultError> {
        self.database
            .fetch_all(OBJECTORS)
            .await?
            .iter()
            .map(subject_of)
            .collect()
    }

    /// Keeps a release, and with it what it cost.
    pub(crate) async fn spend(&self, year: &str, release: &Release) -> Result<(), VaultError> {
        let body = serde_json::to_string(release).map_err(|_| VaultError::Integrity)?;
        let spend = SPEND
            .bind(release.question.as_str())
            .bind(&release.quarter)
            .bind(year)
            .bind(release.epsilon_milli as i64)
            .bind(body);
        self.database.execute(spend).await?;
        Ok(())
    }

    /// What the releases of a year cost, in thousandths of ε.
    pub(crate) async fn spent(&self, year: &str) -> Result<u64, VaultError> {
        let spent: i64 = self.database.fetch_value(SPENT.bind(year)).await?;
        Ok(spent as u64)
    }

    /// The release of a quarter.
    pub(crate) async fn released(
        &self,
        question: &str,
        quarter: &str,
    ) -> Result<Option<Release>, VaultError> {
        let body: Option<String> = self
            .database
            .fetch_optional_value(RELEASED.bind(question).bind(quarter))
            .await?;
        body.map(|body| serde_json::from_str(&body).map_err(|_| VaultError::Integrity))
            .transpose()
    }

    /// The newest releases.
    pub(crate) async fn releases(&self, limit: u32) -> Result<Vec<Release>, VaultError> {
        let rows = self.database.fetch_all(RELEASES.bind(i64::from(limit))).await?;
        rows.iter()
            .map(|row| serde_json::from_str(row.get::<&str>(0)?).map_err(|_| VaultError::Integrity))
            .collect()
    }
}
