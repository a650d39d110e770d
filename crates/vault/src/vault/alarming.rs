//! Honeytokens in the vault: how they come to be, and what follows when one is read.

use super::{Parts, Vault};
use crate::access_leaf::{Draft, Operation};
use crate::cases::StaffEventKind;
use crate::catalogue::{Email, MobilePhone, PasswordHash};
use crate::error::VaultError;
use crate::honeytokens::{HONEYTOKENS_MAX, Persona};
use crate::personal::Personal;
use crate::request::{AccessRequest, Actor, Reason};
use crate::subject::SubjectId;

/// How often an address and a number are drawn anew that somebody has: of 1,000 numbers at most half are taken.
const DRAWN_MAX: usize = 64;
/// In the place of a member of staff when a part of the Service read a honeytoken.
const NOBODY: SubjectId = SubjectId::from_bytes([0; 16]);

impl Vault {
    /// Makes subjects that nobody is, by the steps of a registration, with addresses at a domain of the operator's own.
    /// `request` is what a registration states.
    ///
    /// # Errors
    /// [`VaultError::TooManyHoneytokens`], [`VaultError::InvalidValue`] for a domain that is none, those of [`Vault::claim`].
    pub async fn make_honeytokens(
        &self,
        count: usize,
        email_domain: &str,
        request: &AccessRequest,
    ) -> Result<(), VaultError> {
        if self.parts.honeytokens.count().saturating_add(count) > HONEYTOKENS_MAX {
            return Err(VaultError::TooManyHoneytokens {
                most: HONEYTOKENS_MAX,
            });
        }
        for _ in 0..count {
            let persona = self.free_persona(email_domain, request).await?;
            let subject = self.create_subject(request).await?;
            // Before it holds anything, so that none is ever forgotten.
            self.parts.honeytokens.remember(&self.parts.keys, subject).await?;
            let (email, phone) = (Personal::new(persona.email), Personal::new(persona.phone));
            self.store::<Email>(&subject, None, email, request).await?;
            self.store::<MobilePhone>(&subject, None, phone, request).await?;
            let hash = Personal::new(persona.password_hash);
            self.store::<PasswordHash>(&subject, None, hash, request).await?;
            let claim = AccessRequest {
                reason: Reason::CheckUniqueness,
                ..request.clone()
            };
            for claimed in [
                self.claim_stored::<Email>(&subject, &claim).await,
                self.claim_stored::<MobilePhone>(&subject, &claim).await,
            ] {
                match claimed {
                    // Taken since it was drawn: it stays unclaimed, as a registration that nobody finished.
                    Ok(()) | Err(VaultError::ValueTaken) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Drawn until nobody has the address or the number.
    async fn free_persona(&self, email_domain: &str, request: &AccessRequest) -> Result<Persona, VaultError> {
        let mut persona = Persona::random(email_domain)?;
        for _ in 0..DRAWN_MAX {
            let (email, phone) = (
                Personal::new(persona.email.clone()),
                Personal::new(persona.phone.clone()),
            );
            let taken = self.find::<Email>(&email, request).await?.is_some()
                || self.find::<MobilePhone>(&phone, request).await?.is_some();
            if !taken {
                break;
            }
            persona = Persona::random(email_domain)?;
        }
        Ok(persona)
    }

    /// How many subjects there are that nobody is.
    pub fn honeytokens(&self) -> usize {
        self.parts.honeytokens.count()
    }
}

impl Parts {
    /// Raises the alarm if nobody is this subject. Durable before anything is released; the reader notices nothing.
    pub(super) async fn notice_honeytoken(
        &self,
        subject: &SubjectId,
        request: &AccessRequest,
    ) -> Result<(), VaultError> {
        // Uniqueness of somebody else's address is checked against everybody's, and everybody's keys are renewed.
        let looks_at_all = match request.actor {
            Actor::Component(_) => [Reason::CheckUniqueness, Reason::KeyRotation].contains(&request.reason),
            Actor::Person(_) | Actor::Staff(_) => false,
        };
        if looks_at_all || !self.honeytokens.contain(subject) {
            return Ok(());
        }
        let at = (self.staff.clock.now_ms(), StaffEventKind::HoneytokenRead);
        let case = request.reason.case_reference().unwrap_or_default();
        let actor = request.actor.text();
        tracing::error!(
            actor,
            case,
            "somebody read the data of a person who does not exist; look into it now"
        );
        let Actor::Staff(staff) = &request.actor else {
            return self.staff.store.raise(at, &NOBODY, case, false).await;
        };
        self.staff.store.raise(at, staff, case, true).await?;
        let alarm = AccessRequest {
            actor: Actor::component("vault-alarm")?,
            reason: Reason::Alarm,
            policy_version: request.policy_version.clone(),
        };
        self.log
            .append(Draft::new(Operation::SuspendStaff, *staff, &alarm))
            .await?;
        Ok(())
    }
}
