//! Which rotations were asked for, how far each has come, and which have ended.
//!
//! A rotation is a row, so whoever has the vault open does it, and goes on with it after a stop. It does not know how keys are
//! renewed.

use ensoex_sql::{Database, Row, SqlError, Transaction};
use serde::Serialize;

use super::KeyStore;
use crate::error::VaultError;

ensoex_sql::statements! {
    STATEMENTS;
    ASK_ROTATION =
        "INSERT INTO rotations (layer, state, position, renewed, asked_at_ms) VALUES ($1, 'asked', $2, 0, $3)
            ON CONFLICT (layer) DO UPDATE SET state = 'asked', position = excluded.position, renewed = 0,
            asked_at_ms = excluded.asked_at_ms, ended_at_ms = NULL WHERE rotations.state = 'done'";
    ROTATIONS = "SELECT layer, state, position, renewed, asked_at_ms, ended_at_ms FROM rotations ORDER BY asked_at_ms, layer";
    ADVANCE_ROTATION = "UPDATE rotations SET state = 'running', position = $2, renewed = $3 WHERE layer = $1";
    END_ROTATION = "UPDATE rotations SET state = 'done', ended_at_ms = $2 WHERE layer = $1";
}

/// A layer of keys that can be renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// The root key. What is sealed under it, the service keys, is sealed anew.
    Root,
    /// The purposes' keys. Every subject's keys are sealed anew.
    Purposes,
    /// The subjects' keys. Every record's data key is sealed anew.
    Subjects,
    /// The subjects' keys and every record's data key and share. Every value is sealed anew.
    Values,
    /// The keys of the blind indexes. Every tag is made anew.
    Indexes,
    /// The key of the anchors. Every anchor is made anew.
    Anchors,
    /// The key that signs the access log's heads. It hands over to the next one.
    Heads,
    /// The key of what law holds of erased subjects. Every such value is sealed anew.
    Held,
    /// The key that seals which subjects nobody is. Each is sealed anew.
    Honeytokens,
}

impl Layer {
    /// Every layer, from the root on.
    pub const ALL: [Self; 9] = [
        Self::Root,
        Self::Purposes,
        Self::Subjects,
        Self::Values,
        Self::Indexes,
        Self::Anchors,
        Self::Heads,
        Self::Held,
        Self::Honeytokens,
    ];

    /// The stable text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Purposes => "purposes",
            Self::Subjects => "subjects",
            Self::Values => "values",
            Self::Indexes => "indexes",
            Self::Anchors => "anchors",
            Self::Heads => "heads",
            Self::Held => "held",
            Self::Honeytokens => "honeytokens",
        }
    }
}

impl std::str::FromStr for Layer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = Self::ALL.map(Self::as_str).join(", ");
        let known = Self::ALL.into_iter().find(|layer| layer.as_str() == text);
        known.ok_or(format!("there is no such layer of keys; choose of: {names}"))
    }
}

/// How far a rotation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RotationState {
    /// Asked for, not begun.
    Asked,
    /// Under way.
    Running,
    /// Everything is renewed and the old keys are destroyed.
    Done,
}

/// The last rotation of one layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rotation {
    /// Of what.
    pub layer: Layer,
    /// How far.
    pub state: RotationState,
    /// Keys, records, tags or anchors that were renewed so far.
    pub renewed: u64,
    /// When it was asked for, in milliseconds since 1970-01-01 UTC.
    pub asked_at_ms: u64,
    /// When it ended, in milliseconds since 1970-01-01 UTC.
    pub ended_at_ms: Option<u64>,
    /// What was renewed last; means something to the layer only.
    #[serde(skip)]
    pub(crate) position: Vec<u8>,
}

fn rotation(row: &Row) -> Result<Option<Rotation>, SqlError> {
    // A layer of a newer version is nobody's business here.
    let Ok(layer) = row.get::<&str>("layer")?.parse() else {
        return Ok(None);
    };
    let ended: Option<i64> = row.get("ended_at_ms")?;
    Ok(Some(Rotation {
        layer,
        state: match row.get::<&str>("state")? {
            "asked" => RotationState::Asked,
            "running" => RotationState::Running,
            "done" => RotationState::Done,
            _ => return Err(SqlError::malformed("state")),
        },
        renewed: row.unsigned("renewed")?,
        asked_at_ms: row.unsigned("asked_at_ms")?,
        ended_at_ms: ended.map(|at| at as u64),
        position: row.get("position")?,
    }))
}

/// Asks for a rotation; nothing changes if one of this layer has not ended.
pub(crate) async fn ask(database: &Database, layer: Layer, at_ms: u64) -> Result<(), VaultError> {
    let ask = ASK_ROTATION.bind(layer.as_str()).bind(&[][..]).bind(at_ms as i64);
    database.execute(ask).await?;
    Ok(())
}

/// The last rotation of each layer, as they were asked for.
pub(crate) async fn all(database: &Database) -> Result<Vec<Rotation>, VaultError> {
    let rows = database.fetch_all(ROTATIONS).await?;
    let rotations = rows.iter().filter_map(|row| rotation(row).transpose());
    Ok(rotations.collect::<Result<_, _>>()?)
}

/// Says, as part of a transaction, that a rotation has ended.
pub(super) async fn end(transaction: &mut Transaction, layer: Layer, at_ms: u64) -> Result<(), VaultError> {
    let end = END_ROTATION.bind(layer.as_str()).bind(at_ms as i64);
    transaction.execute(end).await?;
    Ok(())
}

/// Says, as part of a transaction, how far a rotation has come.
pub(super) async fn advance(transaction: &mut Transaction, rotation: &Rotation) -> Result<(), VaultError> {
    let advance = ADVANCE_ROTATION
        .bind(rotation.layer.as_str())
        .bind(rotation.position.as_slice())
        .bind(rotation.renewed as i64);
    transaction.execute(advance).await?;
    Ok(())
}

impl KeyStore {
    /// The rotations that have not ended, as they were asked for.
    pub(crate) async fn unfinished_rotations(&self) -> Result<Vec<Rotation>, VaultError> {
        let mut rotations = all(&self.database).await?;
        rotations.retain(|rotation| rotation.state != RotationState::Done);
        Ok(rotations)
    }

    /// Remembers how far a rotation has come.
    pub(crate) async fn advance_rotation(&self, rotation: &Rotation) -> Result<(), VaultError> {
        let mut transaction = self.database.begin().await?;
        advance(&mut transaction, rotation).await?;
        Ok(transaction.commit().await?)
    }
}
