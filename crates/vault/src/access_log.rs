//! The access log: an append-only Merkle tree in its own database, written before data is opened.
//!
//! One task owns the writing. Entries that arrive while it waits for the disk go into its next
//! transaction together, so many readers share one synchronisation. It does not decide what is
//! allowed, and knows nothing about values.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use ensoex_egress::Recipient;
use ensoex_sql::{Address, Database, Durability, Migration, Row, Store};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::access_leaf::{AccessLeaf, Draft, Operation, Outcome};
use crate::access_report::ProvenEntry;
use crate::agreement::Optional;
use crate::catalogue::FieldName;
use crate::database::{self, ANSWER_MS_MAX, BUSY_MS_MAX};
use crate::error::VaultError;
use crate::law::LegalHold;
use crate::orders::{Order, Orders};
use crate::request::RecordName;
use crate::subject::SubjectId;
use ensoex_merkle::{self as merkle, Frontier, Hash, Node, Span};

ensoex_sql::statements! {
    STATEMENTS;
    SIZE = "SELECT count(*), max(number) FROM leaves";
    RECENT = "SELECT body FROM leaves WHERE subject = $1 ORDER BY number DESC LIMIT $2";
    LEAVES_OF = "SELECT number, body FROM leaves WHERE subject = $1 AND number < $2 ORDER BY number";
    LEAVES = "SELECT number, body FROM leaves WHERE number >= $1 AND number < $2 ORDER BY number LIMIT $3";
    FROM = "SELECT number, body, hashes FROM leaves WHERE number >= $1 ORDER BY number LIMIT $2";
    HASHES = "SELECT hashes FROM leaves WHERE number = $1";
    INSERT_LEAVES =
        sqlite "INSERT INTO leaves (number, subject, body, hashes)
            SELECT value ->> 0, unhex(value ->> 1), value ->> 2, unhex(value ->> 3) FROM json_each($1)",
        postgres "INSERT INTO leaves (number, subject, body, hashes)
            SELECT (value ->> 0)::BIGINT, decode(value ->> 1, 'hex'), value ->> 2, decode(value ->> 3, 'hex')
            FROM json_array_elements($1::JSON)";
}

/// The access log as a store.
pub static ACCESS_LOG: Store = Store {
    name: "vault's access log",
    migrations: &[
        Migration {
            version: 1,
            name: "access log",
            sqlite: include_str!("../migrations/access_log/sqlite/0001_access_log.sql"),
            postgres: include_str!("../migrations/access_log/postgres/0001_access_log.sql"),
        },
        Migration {
            version: 2,
            name: "one row a leaf",
            sqlite: include_str!("../migrations/access_log/sqlite/0002_one_row_a_leaf.sql"),
            postgres: include_str!("../migrations/access_log/postgres/0002_one_row_a_leaf.sql"),
        },
    ],
    statements: &[&STATEMENTS],
    durability: Durability::Durable,
    overwrite_deleted: true,
    connections_max: 3,
    busy_ms_max: BUSY_MS_MAX,
    answer_ms_max: ANSWER_MS_MAX,
};
/// File of the access log.
pub(crate) const ACCESS_LOG_FILE: &str = "access-log.db";
/// Most entries in one transaction.
const BATCH_ENTRIES_MAX: usize = 256;
/// Most entries that wait for the writer.
const WAITING_ENTRIES_MAX: usize = 1024;

pub(crate) struct AccessLog {
    sender: mpsc::Sender<Waiting>,
    database: Database,
    /// Size and root as far as they are durable.
    head: Arc<Mutex<(u64, Hash)>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    orders: Orders,
}

/// What was destroyed, or may not be, or was agreed to, by the access log's account.
pub(crate) enum Destroyed {
    /// All of a subject, under this version of the Policy.
    Subject(SubjectId, String),
    /// One value.
    Value(SubjectId, FieldName, RecordName),
    /// Not this field, by law.
    Unless(SubjectId, LegalHold),
    /// Who agreed to something optional, since when.
    Agreed(SubjectId, Optional, u64),
    /// Who withdrew that.
    NotAgreed(SubjectId, Optional),
    /// This field again, like any other.
    Unheld(SubjectId, FieldName),
}

impl Destroyed {
    /// The subject of whom all was destroyed, if this says so.
    pub(crate) const fn erased(&self) -> Option<SubjectId> {
        match self {
            Self::Subject(subject, _) => Some(*subject),
            _ => None,
        }
    }

    fn is_value(&self, subject: &SubjectId, field: FieldName, record: &str) -> bool {
        matches!(self, Self::Value(of, named, called)
            if of == subject && *named == field && called.as_str() == record)
    }
}

struct Waiting {
    draft: Draft,
    /// Told the entry's number when it is durable; dropped when it cannot be written.
    done: oneshot::Sender<u64>,
}

impl AccessLog {
    /// Opens the log and checks it against what the key store remembers of it.
    pub(crate) async fn open(address: &Address, anchor: Option<(u64, Vec<u8>)>) -> Result<Self, VaultError> {
        let database = Database::open(address, &ACCESS_LOG).await?;
        let row = database.fetch_one(SIZE).await?;
        let (size, largest): (i64, Option<i64>) = (row.get(0)?, row.get(1)?);
        if largest.map_or(0, |number| number + 1) != size {
            return Err(VaultError::AccessLogTampered);
        }
        let size = size as u64;
        if let Some((anchored_size, anchored_root)) = anchor {
            let root = if anchored_size <= size {
                root_at(&database, anchored_size).await?
            } else {
                None
            };
            if root.is_none_or(|root| root[..] != anchored_root[..]) {
                return Err(VaultError::AccessLogTampered);
            }
        }
        let nodes = Frontier::peak_nodes(size);
        let hashes = load(&database, &nodes)
            .await?
            .ok_or(VaultError::AccessLogTampered)?;
        let frontier = Frontier::restore(size, &hashes).ok_or(VaultError::AccessLogTampered)?;
        let head = Arc::new(Mutex::new((size, frontier.root())));
        let (sender, receiver) = mpsc::channel(WAITING_ENTRIES_MAX);
        let writer = tokio::spawn(write_all(database.clone(), frontier, receiver, head.clone()));
        Ok(Self {
            sender,
            database,
            head,
            writer: Mutex::new(Some(writer)),
            orders: Orders::default(),
        })
    }

    /// Appends an entry; gives its number once it is durable.
    pub(crate) async fn append(&self, draft: Draft) -> Result<u64, VaultError> {
        self.entering(draft).await
    }

    /// The same as something that can be waited for apart from the log.
    pub(crate) fn entering(
        &self,
        draft: Draft,
    ) -> impl Future<Output = Result<u64, VaultError>> + Send + 'static {
        let sender = self.sender.clone();
        async move {
            let (done, written) = oneshot::channel();
            sender
                .send(Waiting { draft, done })
                .await
                .map_err(|_| VaultError::AccessLogUnavailable)?;
            written.await.map_err(|_| VaultError::AccessLogUnavailable)
        }
    }

    /// Appends entries that belong together; all of them are durable when this returns.
    pub(crate) async fn append_all(&self, drafts: Vec<Draft>) -> Result<(), VaultError> {
        let mut entries = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let (done, written) = oneshot::channel();
            let sent = self.sender.send(Waiting { draft, done }).await;
            sent.map_err(|_| VaultError::AccessLogUnavailable)?;
            entries.push(written);
        }
        for written in entries {
            written.await.map_err(|_| VaultError::AccessLogUnavailable)?;
        }
        Ok(())
    }

    /// Size and root of the durable log.
    pub(crate) fn head(&self) -> (u64, Hash) {
        *self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To be begun before an entry that orders something is appended, and to be ended when that is done.
    pub(crate) fn order(&self) -> Order {
        self.orders.begin(self.head().0)
    }

    /// Size and root of the durable log before the first entry whose order is not done: what the key store may remember.
    pub(crate) async fn done_head(&self) -> Result<(u64, Hash), VaultError> {
        self.done_head_but(None).await
    }

    /// The same once this order will be done too.
    pub(crate) async fn done_head_with(&self, order: &Order) -> Result<(u64, Hash), VaultError> {
        self.done_head_but(Some(order)).await
    }

    async fn done_head_but(&self, order: Option<&Order>) -> Result<(u64, Hash), VaultError> {
        let (size, root) = self.head();
        match self.orders.done_until(order) {
            Some(until) if until < size => {
                let root = root_at(&self.database, until).await?;
                Ok((until, root.ok_or(VaultError::AccessLogTampered)?))
            }
            _ => Ok((size, root)),
        }
    }

    /// The newest entries about a subject, newest first.
    pub(crate) async fn recent(
        &self,
        subject: &SubjectId,
        limit: u32,
    ) -> Result<Vec<AccessLeaf>, VaultError> {
        let rows = self
            .database
            .fetch_all(RECENT.bind(&subject.as_bytes()[..]).bind(i64::from(limit)))
            .await?;
        let leaf = |row: &Row| {
            let body: &str = row.get("body")?;
            serde_json::from_str(body).map_err(|_| VaultError::AccessLogTampered)
        };
        rows.iter().map(leaf).collect()
    }

    /// All entries about a subject among the first `size`, oldest first, with their proofs.
    pub(crate) async fn proven(
        &self,
        subject: &SubjectId,
        size: u64,
    ) -> Result<Vec<ProvenEntry>, VaultError> {
        let rows = self
            .database
            .fetch_all(LEAVES_OF.bind(&subject.as_bytes()[..]).bind(size as i64))
            .await?;
        let mut entries = Vec::with_capacity(rows.len());
        let mut known = HashMap::new();
        for row in &rows {
            let (number, leaf): (i64, String) = (row.get("number")?, row.get("body")?);
            let spans = merkle::inclusion_spans(number as u64, size).ok_or(VaultError::AccessLogTampered)?;
            entries.push(ProvenEntry {
                leaf,
                proof: self.hashes(spans, &mut known).await?,
            });
        }
        Ok(entries)
    }

    /// All entries about a subject, oldest first.
    pub(crate) async fn leaves_of(&self, subject: &SubjectId) -> Result<Vec<AccessLeaf>, VaultError> {
        let size = self.head().0 as i64;
        let rows = self
            .database
            .fetch_all(LEAVES_OF.bind(&subject.as_bytes()[..]).bind(size))
            .await?;
        let leaf = |row: &Row| {
            let body: &str = row.get("body")?;
            serde_json::from_str(body).map_err(|_| VaultError::AccessLogTampered)
        };
        rows.iter().map(leaf).collect()
    }

    /// Adds to `counts` how often each recipient was given something by the entries from number `first` on; gives the number
    /// of the first entry that is not counted yet.
    pub(crate) async fn count_disclosures(
        &self,
        first: u64,
        counts: &mut BTreeMap<Recipient, u64>,
    ) -> Result<u64, VaultError> {
        const PAGE: i64 = 4096;
        let (mut next, end) = (first, self.head().0);
        while next < end {
            let page = LEAVES.bind(next as i64).bind(end as i64).bind(PAGE);
            let rows = self.database.fetch_all(page).await?;
            let Some(last) = rows.last() else {
                return Err(VaultError::AccessLogTampered);
            };
            for row in &rows {
                let body: &str = row.get("body")?;
                let leaf: AccessLeaf =
                    serde_json::from_str(body).map_err(|_| VaultError::AccessLogTampered)?;
                if let (Operation::Disclose, Outcome::Granted, Some(who)) =
                    (leaf.operation, leaf.outcome, leaf.recipient)
                {
                    *counts.entry(who).or_default() += 1;
                }
            }
            next = last.get::<i64>("number")? as u64 + 1;
        }
        Ok(next)
    }

    /// One entry with the proof that it is among the first `size`.
    pub(crate) async fn entry(&self, number: u64, size: u64) -> Result<ProvenEntry, VaultError> {
        let spans = merkle::inclusion_spans(number, size).ok_or(VaultError::NotFound)?;
        let row = self
            .database
            .fetch_optional(FROM.bind(number as i64).bind(1_i64))
            .await?
            .ok_or(VaultError::AccessLogTampered)?;
        Ok(ProvenEntry {
            leaf: row.get("body")?,
            proof: self.hashes(spans, &mut HashMap::new()).await?,
        })
    }

    /// The proof that the log of `second` entries continues the one of `first`.
    pub(crate) async fn consistency(&self, first: u64, second: u64) -> Result<Vec<String>, VaultError> {
        if second > self.head().0 {
            return Err(VaultError::NotFound);
        }
        let spans = merkle::consistency_spans(first, second).ok_or(VaultError::NotFound)?;
        self.hashes(spans, &mut HashMap::new()).await
    }

    async fn hashes(
        &self,
        spans: Vec<Span>,
        known: &mut HashMap<Node, Hash>,
    ) -> Result<Vec<String>, VaultError> {
        let mut proof = Vec::with_capacity(spans.len());
        for span in spans {
            let mut hashes = Vec::new();
            for node in span.nodes() {
                let hash = match known.get(&node) {
                    Some(hash) => *hash,
                    None => one(&self.database, node)
                        .await?
                        .ok_or(VaultError::AccessLogTampered)?,
                };
                known.insert(node, hash);
                hashes.push(hash);
            }
            proof.push(hex::encode(
                Span::fold(&hashes).ok_or(VaultError::AccessLogTampered)?,
            ));
        }
        Ok(proof)
    }

    /// What was destroyed by the entries from this number on.
    pub(crate) async fn destroyed_from(&self, first: u64) -> Result<Vec<Destroyed>, VaultError> {
        const PAGE: i64 = 4096;
        let (mut next, mut destroyed) = (first, Vec::new());
        loop {
            let rows = self.database.fetch_all(FROM.bind(next as i64).bind(PAGE)).await?;
            if rows.is_empty() {
                return Ok(destroyed);
            }
            for row in &rows {
                let body: &str = row.get("body")?;
                let leaf: AccessLeaf =
                    serde_json::from_str(body).map_err(|_| VaultError::AccessLogTampered)?;
                next = leaf.index + 1;
                let field = leaf.field.as_deref().and_then(|field| field.parse().ok());
                match (leaf.operation, leaf.outcome, field) {
                    (Operation::Erase, Outcome::Granted, _) => {
                        destroyed.push(Destroyed::Subject(leaf.subject, leaf.policy_version));
                    }
                    (Operation::Remove, Outcome::Granted, Some(field)) => {
                        let record = RecordName::stored(leaf.record);
                        destroyed.push(Destroyed::Value(leaf.subject, field, record));
                    }
                    (Operation::PlaceHold, Outcome::Granted, Some(field)) => {
                        if let Some((law, until_ms)) = leaf.law.zip(leaf.until_ms) {
                            let hold = LegalHold { field, law, until_ms };
                            destroyed.push(Destroyed::Unless(leaf.subject, hold));
                        }
                    }
                    (Operation::Agree, Outcome::Granted, _) => {
                        let agreed = Optional::from_word(&leaf.record);
                        destroyed
                            .extend(agreed.map(|what| Destroyed::Agreed(leaf.subject, what, leaf.at_ms)));
                    }
                    (Operation::Withdraw, Outcome::Granted, _) => {
                        let withdrawn = Optional::from_word(&leaf.record);
                        destroyed.extend(withdrawn.map(|what| Destroyed::NotAgreed(leaf.subject, what)));
                    }
                    (Operation::LiftHold, Outcome::Granted, Some(field)) => {
                        destroyed.push(Destroyed::Unheld(leaf.subject, field));
                    }
                    // Stored after it was removed: what is there now is another value.
                    (Operation::Store, Outcome::Granted, Some(field)) => {
                        destroyed.retain(|known| !known.is_value(&leaf.subject, field, &leaf.record));
                    }
                    _ => {}
                }
            }
        }
    }

    /// The restrictions and liftings that were entered from this number on: since when, or that none is left.
    pub(crate) async fn restrictions_from(
        &self,
        first: u64,
    ) -> Result<Vec<(SubjectId, Option<u64>)>, VaultError> {
        const PAGE: i64 = 4096;
        let (mut next, mut found) = (first, Vec::new());
        loop {
            let rows = self.database.fetch_all(FROM.bind(next as i64).bind(PAGE)).await?;
            if rows.is_empty() {
                return Ok(found);
            }
            for row in &rows {
                let body: &str = row.get("body")?;
                let leaf: AccessLeaf =
                    serde_json::from_str(body).map_err(|_| VaultError::AccessLogTampered)?;
                next = leaf.index + 1;
                match (leaf.operation, leaf.outcome) {
                    (Operation::Restrict, Outcome::Granted) => found.push((leaf.subject, Some(leaf.at_ms))),
                    (Operation::LiftRestriction, Outcome::Granted) => found.push((leaf.subject, None)),
                    _ => {}
                }
            }
        }
    }

    /// Recomputes the whole tree from the entries and compares it with the durable head.
    pub(crate) async fn audit(&self) -> Result<u64, VaultError> {
        const PAGE: i64 = 4096;
        let (size, root) = self.head();
        let mut frontier = Frontier::default();
        while frontier.size() < size {
            let rows = self
                .database
                .fetch_all(LEAVES.bind(frontier.size() as i64).bind(size as i64).bind(PAGE))
                .await?;
            if rows.is_empty() {
                return Err(VaultError::AccessLogTampered);
            }
            for row in &rows {
                let (number, body): (i64, &str) = (row.get("number")?, row.get("body")?);
                let leaf: Option<AccessLeaf> = serde_json::from_str(body).ok();
                let numbered = leaf.is_some_and(|leaf| leaf.index == frontier.size());
                if number as u64 != frontier.size() || !numbered {
                    return Err(VaultError::AccessLogTampered);
                }
                frontier.append(merkle::leaf_hash(body.as_bytes()));
            }
        }
        if frontier.root() == root {
            Ok(size)
        } else {
            Err(VaultError::AccessLogTampered)
        }
    }

    pub(crate) async fn close(&self) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            writer.abort();
            // An aborted writer ends with an error that says so; there is nothing else to learn.
            let _aborted = writer.await;
        }
        self.database.close().await;
    }
}

/// Shows every entry of a log after those of this tree, oldest first, while the tree is recomputed.
pub(crate) async fn walk(
    database: &Database,
    frontier: &mut Frontier,
    mut show: impl FnMut(AccessLeaf),
) -> Result<(), VaultError> {
    const PAGE: i64 = 4096;
    loop {
        let rows = database
            .fetch_all(FROM.bind(frontier.size() as i64).bind(PAGE))
            .await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in &rows {
            let (body, hashes): (&str, Vec<u8>) = (row.get("body")?, row.get("hashes")?);
            let leaf: AccessLeaf = serde_json::from_str(body).map_err(|_| VaultError::AccessLogTampered)?;
            let place = row.unsigned("number")?;
            let filled = frontier.append(merkle::leaf_hash(body.as_bytes()));
            let filled: Vec<Hash> = filled.into_iter().map(|(_, hash)| hash).collect();
            let fits = place == leaf.index && leaf.index + 1 == frontier.size();
            if !fits || hashes != filled.as_flattened() {
                return Err(VaultError::AccessLogTampered);
            }
            show(leaf);
        }
    }
}

/// The root of the first `size` entries; `None` if its nodes are not all there.
async fn root_at(database: &Database, size: u64) -> Result<Option<Hash>, VaultError> {
    let hashes = load(database, &Frontier::peak_nodes(size)).await?;
    Ok(hashes
        .and_then(|hashes| Frontier::restore(size, &hashes))
        .map(|frontier| frontier.root()))
}

async fn load(database: &Database, nodes: &[Node]) -> Result<Option<Vec<Hash>>, VaultError> {
    let mut hashes = Vec::with_capacity(nodes.len());
    for node in nodes {
        let Some(hash) = one(database, *node).await? else {
            return Ok(None);
        };
        hashes.push(hash);
    }
    Ok(Some(hashes))
}

/// A node's hash: in the row of the leaf that made the subtree full, at its level.
async fn one(database: &Database, node: Node) -> Result<Option<Hash>, VaultError> {
    let Some(leaf) = node.last_leaf() else {
        return Ok(None);
    };
    let hashes: Option<Vec<u8>> = database.fetch_optional_value(HASHES.bind(leaf as i64)).await?;
    let start = node.level as usize * size_of::<Hash>();
    let hash = hashes
        .as_deref()
        .and_then(|hashes| hashes.get(start..start + size_of::<Hash>()));
    Ok(hash.and_then(|hash| hash.try_into().ok()))
}

/// Writes what arrives, one transaction at a time, until nobody can send any more.
async fn write_all(
    database: Database,
    mut frontier: Frontier,
    mut receiver: mpsc::Receiver<Waiting>,
    head: Arc<Mutex<(u64, Hash)>>,
) {
    let mut batch = Vec::with_capacity(BATCH_ENTRIES_MAX);
    while receiver.recv_many(&mut batch, BATCH_ENTRIES_MAX).await > 0 {
        match write_batch(&database, &frontier, &batch).await {
            Ok(grown) => {
                let first = frontier.size();
                frontier = grown;
                *head.lock().unwrap_or_else(PoisonError::into_inner) = (frontier.size(), frontier.root());
                for (number, waiting) in (first..).zip(batch.drain(..)) {
                    // Nobody listens any more when the reader gave up: the entry stands all the same.
                    let _gone = waiting.done.send(number);
                }
            }
            Err(error) => {
                tracing::error!(%error, entries = batch.len(), "the access log cannot be written");
                batch.clear();
                // The answer may be all that was lost: go on from what the log holds.
                match resumed(&database, &frontier).await {
                    Ok(Some(found)) => {
                        frontier = found;
                        *head.lock().unwrap_or_else(PoisonError::into_inner) =
                            (frontier.size(), frontier.root());
                    }
                    Ok(None) => {
                        tracing::error!("the access log does not go on from what was written; it stays shut")
                    }
                    Err(error) => tracing::error!(%error, "the access log cannot be read"),
                }
            }
        }
    }
}

/// The log as it stands after a write that failed; `None` unless it continues the one that was known.
async fn resumed(database: &Database, known: &Frontier) -> Result<Option<Frontier>, VaultError> {
    let size: i64 = database.fetch_one(SIZE).await?.get(0)?;
    let size = size as u64;
    if size <= known.size() {
        return Ok((size == known.size()).then(|| known.clone()));
    }
    if root_at(database, known.size()).await? != Some(known.root()) {
        return Ok(None);
    }
    let hashes = load(database, &Frontier::peak_nodes(size)).await?;
    Ok(hashes.and_then(|hashes| Frontier::restore(size, &hashes)))
}

async fn write_batch(
    database: &Database,
    frontier: &Frontier,
    batch: &[Waiting],
) -> Result<Frontier, VaultError> {
    let mut frontier = frontier.clone();
    let mut rows = Vec::with_capacity(batch.len());
    for waiting in batch {
        let leaf = waiting
            .draft
            .clone()
            .into_leaf(frontier.size(), database::now_ms());
        let body = serde_json::to_string(&leaf).map_err(|_| VaultError::AccessLogUnavailable)?;
        let filled = frontier.append(merkle::leaf_hash(body.as_bytes()));
        let hashes: Vec<Hash> = filled.into_iter().map(|(_, hash)| hash).collect();
        rows.push((
            leaf.index,
            hex::encode(leaf.subject.as_bytes()),
            body,
            hex::encode(hashes.as_flattened()),
        ));
    }
    // All in one statement: either every entry is durable after it or none is.
    let rows = serde_json::to_string(&rows).map_err(|_| VaultError::AccessLogUnavailable)?;
    database.execute(INSERT_LEAVES.bind(rows)).await?;
    Ok(frontier)
}
