//! What another rule book would have decided about what happened: stored inputs, decided again, beside what humans found.
//!
//! It knows no more than was known then: inputs are those of the decision's moment, so a rule that would have stopped an earlier
//! movement does not change the later ones. A feature that is younger than a decision counts as 0 there.

use crate::stores::SERVICE_RECORDS;
use ensoex_risk::{Decision, Features, Outcome, Place, RuleBook};
use ensoex_sql::{Address, Database, SqlError};
use std::collections::BTreeMap;

ensoex_sql::statements! {
    STATEMENTS;
    DECISIONS =
        "SELECT risk_decisions.decision AS decision, risk_decisions.at_us AS at_us, risk_decisions.body AS body,
                risk_reviews.state AS review_state
            FROM risk_decisions LEFT JOIN risk_reviews ON risk_reviews.decision = risk_decisions.decision
            WHERE (risk_decisions.at_us > $1 OR (risk_decisions.at_us = $1 AND risk_decisions.decision > $2))
                AND risk_decisions.at_us < $3
            ORDER BY risk_decisions.at_us, risk_decisions.decision LIMIT $4";
}

/// Decisions that are read at a time.
const READ_AT_ONCE: i64 = 1_000;

/// How often, and how much money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Decisions.
    pub decisions: u64,
    /// Reference cents of what was asked for.
    pub cents: i64,
}

/// What another book would have decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backtest {
    /// By place, what was decided then, and what the book decides.
    pub outcomes: BTreeMap<(Place, Outcome, Outcome), Count>,
    /// How often each rule applied, also those in shadow.
    pub rules: BTreeMap<String, u64>,
    /// A human let it through, and the book would have stopped it.
    pub stopped_honest: Count,
    /// A human refused it, and the book would have stopped it.
    pub stopped_wrong: Count,
    /// A human refused it, and the book would have let it through.
    pub missed_wrong: Count,
    /// Decisions that cannot be read any more.
    pub unreadable: u64,
}

/// Decides again about everything from one moment to another, in microseconds since 1970-01-01 UTC.
///
/// # Errors
/// [`SqlError`] when the records cannot be read.
pub async fn backtest(
    records: &Address,
    book: &RuleBook,
    from_us: i64,
    to_us: i64,
) -> Result<Backtest, SqlError> {
    let database = Database::open_read_only(records, &SERVICE_RECORDS).await?;
    let tested = test(&database, book, from_us, to_us).await;
    database.close().await;
    tested
}

async fn test(database: &Database, book: &RuleBook, from_us: i64, to_us: i64) -> Result<Backtest, SqlError> {
    let mut result = Backtest::default();
    let (mut at_us, mut last) = (from_us, String::new());
    loop {
        let page = DECISIONS.bind(at_us).bind(&last).bind(to_us).bind(READ_AT_ONCE);
        let rows = database.fetch_all(page).await?;
        for row in &rows {
            (at_us, last) = (row.get("at_us")?, row.get("decision")?);
            match serde_json::from_str::<Decision>(&row.get::<String>("body")?) {
                Ok(then) => result.add(book, &then, row.get::<Option<String>>("review_state")?.as_deref()),
                Err(_) => result.unreadable += 1,
            }
        }
        if i64::try_from(rows.len()).unwrap_or(i64::MAX) < READ_AT_ONCE {
            return Ok(result);
        }
    }
}

impl Backtest {
    fn add(&mut self, book: &RuleBook, then: &Decision, review: Option<&str>) {
        let Some(mut features) = Features::from_map(&then.inputs) else {
            self.unreadable += 1;
            return;
        };
        // What a human let through is what the book is tried on, not what it has to obey.
        features.put("human_approvals", 0);
        let now = book.decide(then.place, then.account, &features);
        let cents = then.inputs.get("amount_cents").copied().unwrap_or_default();
        let count = |count: &mut Count| {
            count.decisions += 1;
            count.cents = count.cents.saturating_add(cents);
        };
        count(
            self.outcomes
                .entry((then.place, then.outcome, now.outcome))
                .or_default(),
        );
        for fired in now.fired.iter().chain(&now.shadow) {
            *self.rules.entry(fired.rule.clone()).or_default() += 1;
        }
        match (review, now.outcome) {
            (Some("approved"), outcome) if outcome != Outcome::Approve => count(&mut self.stopped_honest),
            (Some("refused"), Outcome::Approve) => count(&mut self.missed_wrong),
            (Some("refused"), _) => count(&mut self.stopped_wrong),
            _ => {}
        }
    }
}
