//! Facts about accounts, as they are kept: counted up for each account, noted in the transaction of what they tell, never changed.
//!
//! A question about windows is one look into an index (account, time) over 30 days, and one sum over what is older. Both are
//! exact, and as of any past fact, so that a decision's inputs can be counted again.

use ensoex_risk::windows::{FACTS_MAX, WINDOW_US_MAX};
use ensoex_risk::{Earlier, Fact, FactKind};
use ensoex_sql::{Row, SqlError, Transaction};
use ensoex_types::AccountId;

ensoex_sql::statements! {
    STATEMENTS;
    NOTE =
        "INSERT INTO risk_facts (account, number, kind, reference, cents, at_us)
            VALUES ($1, (SELECT COALESCE(MAX(number), 0) + 1 FROM risk_facts WHERE account = $1), $2, $3, $4, $5)
            ON CONFLICT (account, kind, reference) DO NOTHING";
    LAST = "SELECT COALESCE(MAX(number), 0) FROM risk_facts WHERE account = $1";
    RECENT =
        "SELECT kind, reference, cents, at_us FROM risk_facts
            WHERE account = $1 AND at_us > $2 AND number <= $3 ORDER BY at_us DESC, number DESC LIMIT $4";
    OLDER =
        "SELECT CAST(COALESCE(SUM(CASE WHEN kind = 'deposit_credited' THEN cents ELSE 0 END), 0) AS BIGINT) AS credited,
                CAST(COALESCE(SUM(CASE WHEN kind = 'withdrawal_to_paying_card' AND NOT EXISTS
                    (SELECT 1 FROM risk_facts AS undone WHERE undone.account = facts.account AND undone.number <= $3
                        AND undone.kind = 'withdrawal_undone' AND undone.reference = facts.reference)
                    THEN cents ELSE 0 END), 0) AS BIGINT) AS returned,
                MAX(CASE WHEN kind IN ('deposit_credited', 'withdrawal', 'withdrawal_to_paying_card') THEN at_us END) AS moved
            FROM risk_facts AS facts WHERE account = $1 AND at_us <= $2 AND number <= $3";
    REGISTERED = "SELECT registered_us FROM users WHERE account = $1";
}

/// What is known of an account as of one of its facts.
pub(crate) struct Known {
    pub(crate) facts: Vec<Fact>,
    pub(crate) earlier: Earlier,
    /// The number of the last one.
    pub(crate) through: i64,
}

/// Notes what happened; a repetition changes nothing.
pub(crate) async fn note(
    transaction: &mut Transaction,
    account: AccountId,
    kind: FactKind,
    reference: &str,
    cents: i64,
    at_us: i64,
) -> Result<(), SqlError> {
    let note = NOTE
        .bind(i64::from(account.0))
        .bind(kind.word())
        .bind(reference)
        .bind(cents)
        .bind(at_us);
    transaction.execute(note).await?;
    Ok(())
}

/// The facts of the longest window and sums over the older ones, through one fact, or through the last.
pub(crate) async fn as_of(
    transaction: &mut Transaction,
    account: AccountId,
    through: Option<i64>,
    now_us: i64,
) -> Result<Known, SqlError> {
    let number = i64::from(account.0);
    let through = match through {
        Some(through) => through,
        None => transaction.fetch_value(LAST.bind(number)).await?,
    };
    let since = now_us.saturating_sub(WINDOW_US_MAX);
    let most = i64::try_from(FACTS_MAX).unwrap_or(i64::MAX);
    let rows = transaction
        .fetch_all(RECENT.bind(number).bind(since).bind(through).bind(most + 1))
        .await?;
    let older = transaction
        .fetch_one(OLDER.bind(number).bind(since).bind(through))
        .await?;
    let earlier = Earlier {
        registered_us: transaction.fetch_value(REGISTERED.bind(number)).await?,
        credited_cents: older.get("credited")?,
        returned_cents: older.get("returned")?,
        moved_us: older.get("moved")?,
        too_many: rows.len() > FACTS_MAX,
    };
    let facts = rows.iter().map(fact).collect::<Result<_, SqlError>>()?;
    Ok(Known {
        facts,
        earlier,
        through,
    })
}

fn fact(row: &Row) -> Result<Fact, SqlError> {
    Ok(Fact {
        kind: FactKind::from_word(&row.get::<String>("kind")?).ok_or_else(|| SqlError::malformed("kind"))?,
        reference: row.get("reference")?,
        cents: row.get("cents")?,
        at_us: row.get("at_us")?,
    })
}
