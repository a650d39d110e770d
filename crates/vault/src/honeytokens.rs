//! Honeytokens: subjects that nobody is. Whoever opens one has no business here.
//!
//! In the record database and the access log they are persons like any other: made by the steps of a registration, with
//! values of the usual lengths. Which they are lies sealed beside the keys, and opened in memory. A read of one succeeds as if
//! nothing were; it suspends the member of staff and the operator hears of it. The log's entry of the read says nothing
//! special, since entries travel in backups; what follows it is an entry about the member of staff.
//! This module does not know when a read is made (`vault::reading`).

use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

use ensoex_sql::Row;
use tokio::sync::Mutex;

use crate::error::VaultError;
use crate::key_store::{Generation, KeyStore};
use crate::sealing;
use crate::subject::SubjectId;
use crate::value::PHONE_FICTION;

ensoex_sql::statements! {
    STATEMENTS;
    INSERT_HONEYTOKEN = "INSERT INTO honeytokens (sealed, generation) VALUES ($1, $2)";
    HONEYTOKENS = "SELECT sealed, generation FROM honeytokens ORDER BY sealed";
    RESEAL_HONEYTOKEN = "UPDATE honeytokens SET sealed = $2, generation = $3 WHERE sealed = $1";
}

/// Most honeytokens of one vault.
pub const HONEYTOKENS_MAX: usize = 500;
/// How the hash of a password begins; a test of the Service holds that its hashes begin so.
pub const PASSWORD_HASH_HEAD: &str = "$argon2id$v=19$m=19456,t=2,p=1$";

/// Names that a person's address may be made of.
const NAMES: [&str; 24] = [
    "olena", "andrii", "maria", "taras", "iryna", "dmytro", "sofia", "ivan", "kateryna", "petro", "anna",
    "bohdan", "julia", "marko", "daryna", "oleh", "nina", "roman", "vira", "yurii", "emma", "lukas", "laura",
    "jonas",
];
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The honeytokens of a vault.
pub(crate) struct Honeytokens {
    known: RwLock<HashSet<SubjectId>>,
    /// Whoever seals one has it, so that none is sealed under a key that is about to go.
    sealing: Mutex<()>,
}

impl Honeytokens {
    pub(crate) async fn open(keys: &KeyStore) -> Result<Self, VaultError> {
        let mut known = HashSet::new();
        for row in keys.database().fetch_all(HONEYTOKENS).await? {
            let (sealed, generation) = sealed(&row)?;
            known.insert(keys.unseal_honeytoken(generation, &sealed)?);
        }
        Ok(Self {
            known: RwLock::new(known),
            sealing: Mutex::new(()),
        })
    }

    pub(crate) fn contain(&self, subject: &SubjectId) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.contains(subject)
    }

    pub(crate) fn count(&self) -> usize {
        self.known.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Remembers that nobody is this subject.
    pub(crate) async fn remember(&self, keys: &KeyStore, subject: SubjectId) -> Result<(), VaultError> {
        let _sealing = self.sealing.lock().await;
        let (sealed, generation) = keys.seal_honeytoken(&subject)?;
        let insert = INSERT_HONEYTOKEN.bind(sealed).bind(i64::from(generation));
        keys.database().execute(insert).await?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(subject);
        Ok(())
    }

    /// Seals all of them under the newest key, durably and together; gives how many.
    pub(crate) async fn renew(&self, keys: &KeyStore) -> Result<u64, VaultError> {
        let _sealing = self.sealing.lock().await;
        let (mut transaction, mut renewed) = (keys.begin().await?, 0);
        for row in transaction.fetch_all(HONEYTOKENS).await? {
            let (sealed, generation) = sealed(&row)?;
            let (resealed, newest) = keys.seal_honeytoken(&keys.unseal_honeytoken(generation, &sealed)?)?;
            if generation < newest {
                let reseal = RESEAL_HONEYTOKEN
                    .bind(sealed)
                    .bind(resealed)
                    .bind(i64::from(newest));
                transaction.execute(reseal).await?;
                renewed += 1;
            }
        }
        transaction.commit().await?;
        Ok(renewed)
    }
}

fn sealed(row: &Row) -> Result<(Vec<u8>, Generation), VaultError> {
    let generation: i64 = row.get("generation")?;
    Ok((row.get("sealed")?, generation as Generation))
}

/// What a honeytoken holds: nobody's address at the operator's own domain, and a number that is kept for fiction.
pub(crate) struct Persona {
    pub(crate) email: String,
    pub(crate) phone: String,
    pub(crate) password_hash: String,
}

impl Persona {
    pub(crate) fn random(email_domain: &str) -> Result<Self, VaultError> {
        let (first, second) = (below(NAMES.len())?, below(NAMES.len())?);
        let year = 60 + below(45)?;
        let separator = ["", ".", "_"][below(3)?];
        let phone = format!("{PHONE_FICTION}{:03}", below(1_000)?);
        let mut password_hash = PASSWORD_HASH_HEAD.to_owned();
        // 16 bytes of salt and 32 of hash, whose last characters carry two and four bits.
        for (characters, spare) in [(22, 16), (43, 4)] {
            for place in 1..=characters {
                let step = if place == characters { spare } else { 1 };
                password_hash.push(char::from(BASE64[below(64 / step)? * step]));
            }
            if characters == 22 {
                password_hash.push('$');
            }
        }
        Ok(Self {
            email: format!(
                "{}{separator}{}{:02}@{email_domain}",
                NAMES[first],
                NAMES[second],
                year % 100
            ),
            phone,
            password_hash,
        })
    }
}

/// A random number below `bound`; the bias of a 64-bit remainder is immaterial here.
fn below(bound: usize) -> Result<usize, VaultError> {
    let number = u64::from_le_bytes(sealing::random_bytes()?);
    Ok((number % bound as u64) as usize)
}
