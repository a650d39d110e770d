//! A stored decision computed again: from its book, and from the facts of its time. Reads records only.

use super::facts;
use crate::stores::SERVICE_RECORDS;
use ensoex_risk::{Decision, Feature, RuleBook, windows};
use ensoex_sql::{Address, Database, SqlError};
use ensoex_types::AccountId;
use std::collections::BTreeMap;

ensoex_sql::statements! {
    STATEMENTS;
    STORED =
        "SELECT risk_decisions.body AS body, risk_decisions.at_us AS at_us, risk_decisions.facts_through AS facts_through,
                risk_books.body AS book
            FROM risk_decisions JOIN risk_books ON risk_books.book = risk_decisions.book WHERE decision = $1";
}

/// What facts alone do not give.
const NOT_FROM_FACTS: [&str; 5] = [
    "refused_reviews",
    "amount_cents",
    "available_cents",
    "blocking_reviews",
    "human_approvals",
];

/// A decision, computed again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// As it was stored.
    pub decision: Decision,
    /// When it was made, RFC 3339.
    pub at: String,
    /// As the same book decides about the same inputs now; none if the book or an input is not known any more.
    pub again: Option<Decision>,
    /// Inputs that the facts of its time do not give as they were stored: name, stored, counted again.
    pub differing: Vec<(String, i64, i64)>,
    /// What its inputs mean.
    pub meanings: BTreeMap<String, String>,
}

impl Explanation {
    /// Whether it is the same, computed again.
    pub fn is_the_same(&self) -> bool {
        self.again.as_ref() == Some(&self.decision) && self.differing.is_empty()
    }
}

/// Computes a decision again; `None` if there is no such decision.
///
/// # Errors
/// [`SqlError`] when the records cannot be read.
pub async fn explain_decision(records: &Address, decision: &str) -> Result<Option<Explanation>, SqlError> {
    let database = Database::open_read_only(records, &SERVICE_RECORDS).await?;
    let explained = explain(&database, decision).await;
    database.close().await;
    explained
}

async fn explain(database: &Database, decision: &str) -> Result<Option<Explanation>, SqlError> {
    let mut moment = database.snapshot().await?;
    let Some(row) = moment.fetch_optional(STORED.bind(decision)).await? else {
        return Ok(None);
    };
    let stored: Decision =
        serde_json::from_str(&row.get::<String>("body")?).map_err(|_| SqlError::malformed("body"))?;
    let (at_us, through): (i64, i64) = (row.get("at_us")?, row.get("facts_through")?);
    let book = RuleBook::parse(&row.get::<String>("book")?, true).ok();
    let account = AccountId(stored.account);
    let known = facts::as_of(&mut moment, account, Some(through), at_us).await?;
    let mut differing = Vec::new();
    if let Some(book) = &book {
        let counted = windows::features(&known.facts, &known.earlier, book.limits().near_limit, at_us);
        for feature in Feature::all() {
            let (name, again) = (feature.name(), counted.get(feature));
            let then = stored.inputs.get(&name).copied().unwrap_or_default();
            if then != again && !NOT_FROM_FACTS.contains(&name.as_str()) {
                differing.push((name, then, again));
            }
        }
    }
    let again = book.as_ref().and_then(|book| stored.again(book));
    let meanings = stored.inputs.keys().filter_map(|name| {
        let feature = Feature::named(name)?;
        Some((name.clone(), feature.meaning()))
    });
    Ok(Some(Explanation {
        meanings: meanings.collect(),
        at: crate::clock::text(at_us),
        again,
        differing,
        decision: stored,
    }))
}
