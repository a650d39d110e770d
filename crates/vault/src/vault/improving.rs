//! Improving the Service: it may have a question of a closed list answered, with noise, and nothing else.
//!
//! Only who agreed is counted, and not while they restrict the use of their data. The entry of the log is about nobody, by the
//! component that asked. The budget is spent before anything is told, and what is told is kept, so a stop or a second asking
//! draws no second noise. The budget is what the entries of the log cost, and what the key store remembers if that is more: an older
//! copy of one of them gives nothing back, and a question is entered once a quarter. It opens no value and no key of a person.

use std::collections::{BTreeMap, HashSet};

use super::{Parts, Vault};
use crate::access_leaf::{AccessLeaf, Draft, Operation, Outcome};
use crate::agreement::Optional;
use crate::error::{Denial, VaultError};
use crate::purpose::{ImproveService, Purpose};
use crate::request::{AccessRequest, Actor, Reason, RecordName};
use crate::sealing;
use crate::statistics::{
    GROUP_PERSONS_MIN, GROUPS_MAX, Question, RELEASE_EPSILON_MILLI, Release, YEAR_EPSILON_MILLI_MAX, noisy,
};
use crate::subject::SubjectId;

/// In the place of a subject where an entry is about nobody.
pub(super) const NOBODY: SubjectId = SubjectId::from_bytes([0; 16]);
/// Most releases in one answer.
const RELEASES_LISTED_MAX: u32 = 200;

impl Vault {
    /// The answer to a question for a quarter (`2026-Q4`): the one that was released, or a new one. `groups` are all groups of
    /// the question, whoever is there; `members` says of each person in which one they are. Who is in none counts nowhere.
    ///
    /// # Errors
    /// [`VaultError::BudgetSpent`], [`VaultError::ReleaseLost`], [`VaultError::Denied`] unless a part of the Service asks in order to improve it,
    /// [`VaultError::InvalidQuestion`], those of the log and databases.
    pub async fn statistics(
        &self,
        question: Question,
        quarter: &str,
        groups: &[String],
        members: &[(SubjectId, String)],
        request: &AccessRequest,
    ) -> Result<Release, VaultError> {
        let year = year_of(quarter).ok_or(VaultError::InvalidQuestion)?;
        let distinct: HashSet<&String> = groups.iter().collect();
        if groups.is_empty() || groups.len() > GROUPS_MAX || distinct.len() != groups.len() {
            return Err(VaultError::InvalidQuestion);
        }
        let _turn = self.parts.staff.turn.lock().await;
        let asked = matches!(
            (&request.actor, &request.reason),
            (Actor::Component(_), Reason::Improvement)
        );
        let mut draft = Draft::new(Operation::Aggregate, NOBODY, request).for_purpose(ImproveService::NAME);
        draft.record = RecordName::parse(Some(&format!("{}.{quarter}", question.as_str())))?;
        if !asked {
            self.parts.log.append(draft.ended(Outcome::Denied)).await?;
            return Err(VaultError::Denied(Denial::Statistics));
        }
        if let Some(released) = self.parts.keys.released(question.as_str(), quarter).await? {
            return Ok(released);
        }
        let entered = self.parts.entered(year).await?;
        if entered.contains(&draft.record) {
            self.parts.log.append(draft.ended(Outcome::Denied)).await?;
            return Err(VaultError::ReleaseLost);
        }
        let spent = self.parts.keys.spent(year).await?;
        let spent = spent.max(entered.len() as u64 * RELEASE_EPSILON_MILLI);
        if spent + RELEASE_EPSILON_MILLI > YEAR_EPSILON_MILLI_MAX {
            self.parts.log.append(draft.ended(Outcome::Denied)).await?;
            return Err(VaultError::BudgetSpent);
        }
        self.parts.log.append(draft).await?;
        let counts = self.parts.counted(groups, members).await?;
        let mut bits = || sealing::random_bytes().map(u64::from_le_bytes);
        let release = Release {
            question,
            quarter: quarter.to_owned(),
            released_at_ms: self.parts.staff.clock.now_ms(),
            epsilon_milli: RELEASE_EPSILON_MILLI,
            group_persons_min: GROUP_PERSONS_MIN,
            groups: noisy(counts, &mut bits)?,
        };
        self.parts.keys.spend(year, &release).await?;
        Ok(release)
    }

    /// What was released, the newest first: at most 200.
    ///
    /// # Errors
    /// [`VaultError::Storage`].
    pub async fn releases(&self) -> Result<Vec<Release>, VaultError> {
        self.parts.keys.releases(RELEASES_LISTED_MAX).await
    }
}

impl Parts {
    /// The questions of a year's quarters that entries of the log say were answered, or were about to be.
    async fn entered(&self, year: &str) -> Result<HashSet<RecordName>, VaultError> {
        let of_year = |leaf: &AccessLeaf| {
            let is_answer = (leaf.operation, leaf.outcome) == (Operation::Aggregate, Outcome::Granted);
            let quarter = leaf.record.split_once('.').map(|(_, quarter)| quarter);
            is_answer && quarter.and_then(year_of) == Some(year)
        };
        let leaves = self.log.leaves_of(&NOBODY).await?;
        let asked = leaves.into_iter().filter(of_year);
        Ok(asked.map(|leaf| RecordName::stored(leaf.record)).collect())
    }

    /// How many of each group count, in the groups' order.
    async fn counted(
        &self,
        groups: &[String],
        members: &[(SubjectId, String)],
    ) -> Result<Vec<(String, u64)>, VaultError> {
        let agreed = self.agreed(Optional::Statistics).await?;
        let mut counts: BTreeMap<&str, u64> = groups.iter().map(|group| (group.as_str(), 0)).collect();
        let mut seen = HashSet::new();
        for (subject, group) in members {
            let counts_here =
                agreed.contains(subject) && !self.honeytokens.contain(subject) && seen.insert(*subject);
            if let (true, Some(count)) = (counts_here, counts.get_mut(group.as_str())) {
                *count += 1;
            }
        }
        let count = |group: &String| {
            (
                group.clone(),
                counts.get(group.as_str()).copied().unwrap_or_default(),
            )
        };
        Ok(groups.iter().map(count).collect())
    }
}

/// The year of a quarter, if it is one.
fn year_of(quarter: &str) -> Option<&str> {
    let (year, number) = quarter.split_once("-Q")?;
    let is_year = year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
    (is_year && matches!(number, "1" | "2" | "3" | "4")).then_some(year)
}
