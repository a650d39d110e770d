//! What was released for improving the Service, and what of the year's budget it cost. Here, where no backup of the records
//! gives a budget back.

use super::KeyStore;
use crate::error::VaultError;
use crate::statistics::Release;

ensoex_sql::statements! {
    STATEMENTS;
    SPEND = "INSERT INTO releases (question, quarter, year, epsilon_milli, body) VALUES ($1, $2, $3, $4, $5)";
    SPENT = "SELECT CAST(COALESCE(SUM(epsilon_milli), 0) AS BIGINT) FROM releases WHERE year = $1";
    RELEASED = "SELECT body FROM releases WHERE question = $1 AND quarter = $2";
    RELEASES = "SELECT body FROM releases ORDER BY quarter DESC, question LIMIT $1";
}

impl KeyStore {
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
