//! Renewing keys, layer by layer, while the vault is in use.
//!
//! | Layer | What is renewed | How it is kept right |
//! |---|---|---|
//! | root | the service keys are sealed under another root key | one transaction; the next root key lies beside the old one until then |
//! | purposes | the subjects' keys are sealed under other purpose keys | each says its generation; both generations open until the last one is renewed |
//! | subjects | the records' data keys are sealed under other subject keys | the next keys lie beside the old ones until all records of the subject are sealed under them |
//! | values | as subjects, and each value is sealed under another data key and share | the same; that each is opened is an entry first |
//! | indexes | tags are made by other index keys | each says its generation; a search asks for both |
//! | anchors | anchors are made by another key | each says its generation |
//! | heads | another key signs the access log's heads | an entry announces it, then the old key signs the new one's public half, and both stay published |
//! | held | what law holds is sealed under another key | each says its generation; that it is opened is an entry first |
//! | honeytokens | who is a honeytoken is sealed under another key | one transaction |
//!
//! A rotation is asked for in the key store, by whoever has it, and done by the process that has the vault open. It
//! remembers how far it has come: after a stop it goes on. Old keys are destroyed at the end of their layer, and no access
//! that began before still needs them then. Whatever does not fit its anchor is not renewed, so it stays as closed as it was.

use std::collections::BTreeMap;

use ensoex_sql::Database;
use tokio::task::JoinSet;

use super::improving::NOBODY;
use super::{Parts, Vault, VaultConfig};
use crate::access_leaf::{Draft, Operation};
use crate::access_report::KeyHandover;
use crate::catalogue::FieldName;
use crate::database::now_ms;
use crate::error::VaultError;
use crate::key_store::{self, KEYS, Layer, NextKey, Place, Rotation, RotationState, SubjectKey};
use crate::purpose::PurposeName;
use crate::record_store::SealedRecord;
use crate::request::{AccessRequest, RecordName};
use crate::sealing::Share;
use crate::subject::SubjectId;

/// Keys, anchors or tags that are renewed in one transaction.
const RENEWED_TOGETHER: u32 = 256;
/// Subjects whose records are renewed together; meanwhile they cannot be read.
const SUBJECTS_TOGETHER: u32 = 32;

impl Vault {
    /// Asks for rotations of these layers, in whichever process has the vault open; one that has not ended goes on instead.
    ///
    /// # Errors
    /// [`VaultError::Storage`].
    pub async fn ask_rotations(config: &VaultConfig, layers: &[Layer]) -> Result<(), VaultError> {
        let database = Database::open(&config.keys, &KEYS).await?;
        let mut asked = Ok(());
        for layer in layers {
            asked = key_store::ask_rotation(&database, *layer, now_ms()).await;
            if asked.is_err() {
                break;
            }
        }
        database.close().await;
        asked
    }

    /// The last rotation of each layer, as they were asked for. The vault may be open elsewhere.
    ///
    /// # Errors
    /// [`VaultError::Storage`].
    pub async fn rotations(config: &VaultConfig) -> Result<Vec<Rotation>, VaultError> {
        let database = Database::open_read_only(&config.keys, &KEYS).await?;
        let rotations = key_store::rotations(&database).await;
        database.close().await;
        rotations
    }

    /// Does the rotations that were asked for, or goes on with them; gives how many ended. Values that must be opened for it
    /// are entries of the access log under `request`.
    ///
    /// # Errors
    /// [`VaultError::AccessLogUnavailable`], [`VaultError::Storage`], those of the root key's file. It can be called again.
    pub async fn rotate(&self, request: &AccessRequest) -> Result<u64, VaultError> {
        let _rotating = self.parts.rotating.lock().await;
        let mut ended = 0;
        for mut rotation in self.parts.keys.unfinished_rotations().await? {
            self.parts.rotate(&mut rotation, request).await?;
            self.parts.key_changes.erased();
            ended += 1;
        }
        Ok(ended)
    }
}

impl Parts {
    async fn rotate(&self, rotation: &mut Rotation, request: &AccessRequest) -> Result<(), VaultError> {
        if rotation.layer == Layer::Root {
            return self.keys.rotate_root().await;
        }
        if rotation.state == RotationState::Asked {
            self.keys.begin_rotation(rotation).await?;
            rotation.state = RotationState::Running;
        }
        // Whoever took the former keys for the newest has ended; from here on nothing new is made with them.
        self.drain().await;
        match rotation.layer {
            Layer::Root => {}
            Layer::Purposes => self.renew_purposes(rotation).await?,
            Layer::Subjects => self.renew_subjects(rotation, false, request).await?,
            Layer::Values => self.renew_subjects(rotation, true, request).await?,
            Layer::Indexes => self.renew_indexes(rotation, request).await?,
            Layer::Anchors => self.renew_anchors(rotation).await?,
            Layer::Heads => self.renew_head_key(rotation, request).await?,
            Layer::Held => self.renew_held(rotation, request).await?,
            Layer::Honeytokens => {
                rotation.renewed += self.honeytokens.renew(&self.keys).await?;
                self.keys.advance_rotation(rotation).await?;
            }
        }
        // Whoever loaded something that needs the former keys has ended.
        self.drain().await;
        self.keys.end_rotation(rotation.layer).await
    }

    /// Waits until every access that has begun has ended, one share of the subjects after the other.
    async fn drain(&self) {
        for lock in &self.locks {
            drop(lock.write().await);
        }
    }

    async fn renew_purposes(&self, rotation: &mut Rotation) -> Result<(), VaultError> {
        for purpose in PurposeName::ALL {
            // What is renewed is passed over, so a rotation that goes on may begin each purpose again.
            let mut from = Vec::new();
            while let Some((renewed, last)) = self
                .keys
                .reseal_subject_keys(purpose, &from, RENEWED_TOGETHER)
                .await?
            {
                from = last.as_bytes().to_vec();
                rotation.renewed += renewed;
                self.keys.advance_rotation(rotation).await?;
            }
        }
        Ok(())
    }

    async fn renew_subjects(
        &self,
        rotation: &mut Rotation,
        values_too: bool,
        request: &AccessRequest,
    ) -> Result<(), VaultError> {
        loop {
            let subjects = self
                .keys
                .subjects_after(&rotation.position, SUBJECTS_TOGETHER)
                .await?;
            // Subjects with the same first byte share a lock.
            let alike = |subject: &&SubjectId| subject.as_bytes()[0] == subjects[0].as_bytes()[0];
            let subjects: Vec<SubjectId> = subjects.iter().take_while(alike).copied().collect();
            let Some(last) = subjects.last() else {
                return Ok(());
            };
            rotation.renewed += self.renew_some_subjects(&subjects, values_too, request).await?;
            rotation.position = last.as_bytes().to_vec();
            self.keys.advance_rotation(rotation).await?;
        }
    }

    /// Renews the keys of subjects that share a lock; gives how many records it sealed anew.
    async fn renew_some_subjects(
        &self,
        subjects: &[SubjectId],
        values_too: bool,
        request: &AccessRequest,
    ) -> Result<u64, VaultError> {
        let _writing = self.writing(&subjects[0]).await;
        if values_too {
            self.log_opened(subjects, request).await?;
        }
        let mut renewed = Vec::new();
        let mut next_keys = Vec::new();
        for subject in subjects {
            let keys = self.keys.keys_and_next(subject).await?;
            for (field, record, ..) in self.records.held(subject).await? {
                let place = Place {
                    subject,
                    field,
                    record: &record,
                };
                match self.renew_record(place, &keys, values_too).await? {
                    Some((sealed, share)) => renewed.push((*subject, field, record, sealed, share)),
                    None => {
                        tracing::error!(%subject, field = field.as_str(), "a record does not fit its anchor and is not renewed");
                    }
                }
            }
            next_keys.push((*subject, keys));
        }
        self.log_renewed(&renewed, request).await?;
        let mut announcing = self.keys.begin().await?;
        for (subject, keys) in &next_keys {
            for (purpose, (_, next)) in keys {
                self.keys
                    .add_next_key(&mut announcing, subject, *purpose, next)
                    .await?;
            }
        }
        for (subject, field, record, sealed, share) in &renewed {
            let place = Place {
                subject,
                field: *field,
                record,
            };
            self.keys
                .anchor_pending(&mut announcing, place, sealed.version, &sealed.digest(), share)
                .await?;
        }
        announcing.commit().await?;
        let without_shares = renewed
            .into_iter()
            .map(|(subject, field, record, sealed, _)| (subject, field, record, sealed));
        let renewed: Vec<_> = without_shares.collect();
        self.records.rewrite(&renewed).await?;
        let mut promoting = self.keys.begin().await?;
        for (subject, field, record, _) in &renewed {
            let place = Place {
                subject,
                field: *field,
                record,
            };
            self.keys.anchor_promote(&mut promoting, place).await?;
        }
        for subject in subjects {
            self.keys.promote_next_keys(&mut promoting, subject).await?;
        }
        promoting.commit().await?;
        Ok(renewed.len() as u64)
    }

    /// The record sealed under the subject's next keys, with its share; `None` if it does not fit its anchor.
    async fn renew_record(
        &self,
        place: Place<'_>,
        keys: &BTreeMap<PurposeName, (SubjectKey, NextKey)>,
        values_too: bool,
    ) -> Result<Option<(SealedRecord, Share)>, VaultError> {
        let anchor = self.settled(place).await?;
        let Some(record) = self.records.load(place).await? else {
            return Ok(None);
        };
        let Some(version) = self.keys.latest(place, &anchor, record.version, &record.digest()) else {
            return Ok(None);
        };
        if !values_too {
            let next = keys
                .iter()
                .map(|(purpose, (key, next))| (*purpose, key, &next.key));
            let rewrapped = record.rewrapped(place, next, &version.share)?;
            return Ok(rewrapped.map(|record| (record, version.share.clone())));
        }
        let granted = place.field.description().purposes;
        let purpose = granted.first();
        let Some((purpose, (key, _))) = purpose.and_then(|purpose| keys.get_key_value(purpose)) else {
            return Ok(None);
        };
        let Some(plain) = record.open(place, *purpose, key, &version.share) else {
            return Ok(None);
        };
        let next = keys.iter().filter(|(purpose, _)| granted.contains(purpose));
        let next: Vec<_> = next
            .map(|(purpose, (_, next))| (*purpose, next.key.clone()))
            .collect();
        let share = Share::random()?;
        let sealed = SealedRecord::seal(place, record.version, record.stored_at_ms, &plain, &next, &share)?;
        Ok(Some((sealed, share)))
    }

    /// Enters that the subjects' values are about to be opened, all at once.
    async fn log_opened(&self, subjects: &[SubjectId], request: &AccessRequest) -> Result<(), VaultError> {
        let mut drafts = Vec::new();
        for subject in subjects {
            for (field, record, ..) in self.records.held(subject).await? {
                let draft = Draft::new(Operation::Read, *subject, request).on(field, &record);
                drafts.extend(
                    field
                        .description()
                        .purposes
                        .first()
                        .map(|purpose| draft.for_purpose(*purpose)),
                );
            }
        }
        self.log.append_all(drafts).await
    }

    /// Enters what is about to be sealed anew in the access log, all at once.
    async fn log_renewed(
        &self,
        renewed: &[(SubjectId, FieldName, RecordName, SealedRecord, Share)],
        request: &AccessRequest,
    ) -> Result<(), VaultError> {
        let mut entering = JoinSet::new();
        for (subject, field, record, sealed, _) in renewed {
            let mut draft = Draft::new(Operation::Renew, *subject, request).on(*field, record);
            draft.stored = Some((sealed.version, sealed.digest()));
            entering.spawn(self.log.entering(draft));
        }
        while let Some(entered) = entering.join_next().await {
            entered.map_err(|_| VaultError::AccessLogUnavailable)??;
        }
        Ok(())
    }

    async fn renew_indexes(
        &self,
        rotation: &mut Rotation,
        request: &AccessRequest,
    ) -> Result<(), VaultError> {
        let none = RecordName::parse(None)?;
        for field in FieldName::ALL {
            let Some(bits) = field.description().index_bits else {
                continue;
            };
            let mut after = Vec::new();
            loop {
                let newest = self.keys.index_tags(*field, bits, &[]);
                let (newest, _) = newest.first().ok_or(VaultError::NotFound)?;
                let subjects = self
                    .records
                    .stale_index(*field, &after, *newest, RENEWED_TOGETHER)
                    .await?;
                let Some(last) = subjects.last() else {
                    break;
                };
                after = last.as_bytes().to_vec();
                // Claims wait, so that a value cannot be claimed under one key while its tag changes to the other.
                let _claims = self.claims.lock().await;
                let mut tags = Vec::with_capacity(subjects.len());
                for subject in &subjects {
                    let _reading = self.reading(subject).await;
                    let place = Place {
                        subject,
                        field: *field,
                        record: &none,
                    };
                    let plain = match self
                        .open_plain(place, PurposeName::ProvideService, request, None)
                        .await
                    {
                        Ok(plain) => plain,
                        // Removed or erased since, or not to be trusted: its tag is not made anew.
                        Err(VaultError::NotFound | VaultError::UnknownSubject | VaultError::Integrity) => {
                            continue;
                        }
                        Err(error) => return Err(error),
                    };
                    let form = field.index_form(plain).ok_or(VaultError::Integrity)?;
                    let tag = self.keys.index_tags(*field, bits, &form).into_iter().next();
                    tags.extend(tag.map(|(_, tag)| (*subject, tag)));
                }
                self.records.renew_index(*field, *newest, &tags).await?;
                rotation.renewed += tags.len() as u64;
                self.keys.advance_rotation(rotation).await?;
            }
        }
        Ok(())
    }

    async fn renew_head_key(
        &self,
        rotation: &mut Rotation,
        request: &AccessRequest,
    ) -> Result<(), VaultError> {
        let Some(next) = self.keys.next_head_public_key()? else {
            // It was handed over to before a stop.
            return Ok(());
        };
        let mut draft = Draft::new(Operation::Renew, NOBODY, request);
        draft.statement = Some(KeyHandover::announcement(&next));
        self.log.append(draft).await?;
        let (size, root) = self.log.head();
        self.keys.hand_over_heads(size, &root, now_ms()).await?;
        rotation.renewed += 1;
        self.keys.advance_rotation(rotation).await
    }

    async fn renew_held(&self, rotation: &mut Rotation, request: &AccessRequest) -> Result<(), VaultError> {
        let mut after = None;
        loop {
            let stale = self.keys.stale_kept(after.as_ref(), RENEWED_TOGETHER).await?;
            let opening = stale.iter().map(|kept| {
                let mut draft =
                    Draft::new(Operation::Read, kept.subject, request).on(kept.hold.field, &kept.record);
                draft.hold = Some((kept.hold.law, kept.hold.until_ms));
                let purpose = kept.hold.field.description().purposes.first();
                purpose.map_or(draft.clone(), |purpose| draft.for_purpose(*purpose))
            });
            self.log.append_all(opening.collect()).await?;
            rotation.renewed += self.keys.reseal_kept(&stale).await?;
            self.keys.advance_rotation(rotation).await?;
            after = stale.into_iter().next_back();
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn renew_anchors(&self, rotation: &mut Rotation) -> Result<(), VaultError> {
        loop {
            let after = rotation.position.clone();
            let subjects = self
                .keys
                .subjects_with_stale_anchors(&after, RENEWED_TOGETHER)
                .await?;
            let Some(last) = subjects.last() else {
                return Ok(());
            };
            rotation.position = last.as_bytes().to_vec();
            for subject in &subjects {
                let _writing = self.writing(subject).await;
                let mut renewing = Vec::new();
                for (field, record) in self.keys.anchored(subject).await? {
                    let place = Place {
                        subject,
                        field,
                        record: &record,
                    };
                    let anchor = self.settled(place).await?;
                    let Some(row) = self.records.load(place).await? else {
                        continue;
                    };
                    let digest = row.digest();
                    if let Some(version) = self.keys.latest(place, &anchor, row.version, &digest) {
                        renewing.push((field, record.clone(), row.version, digest, version.share.clone()));
                    }
                }
                let mut transaction = self.keys.begin().await?;
                for (field, record, version, digest, share) in &renewing {
                    let place = Place {
                        subject,
                        field: *field,
                        record,
                    };
                    self.keys
                        .anchor_pending(&mut transaction, place, *version, digest, share)
                        .await?;
                    self.keys.anchor_promote(&mut transaction, place).await?;
                }
                transaction.commit().await?;
                rotation.renewed += renewing.len() as u64;
            }
            self.keys.advance_rotation(rotation).await?;
        }
    }
}
