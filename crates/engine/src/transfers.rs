//! Movements of money that are no trades: at once, or held first and posted or voided later.
//!
//! Every id ever used is remembered, so that a second attempt is refused whatever became of the first. Knows
//! no orders.

use crate::ledger::Ledger;
use crate::{Event, Reject, Transfer, TransferCode};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use ensoex_types::TransferId;

/// Transfers seen, and those that wait for their second phase.
#[derive(Default)]
pub(crate) struct Transfers {
    used: BTreeSet<TransferId>,
    held: BTreeMap<TransferId, Transfer>,
}

/// Slots and amount of a transfer that may go ahead.
struct Checked {
    debit: u32,
    credit: u32,
    asset: usize,
    amount: u128,
}

impl Transfers {
    /// Checks in the order of the lines; the first that fails is the answer.
    fn check(&self, ledger: &Ledger, assets: usize, transfer: &Transfer) -> Result<Checked, Reject> {
        if self.used.contains(&transfer.transfer) {
            return Err(Reject::TransferExists);
        }
        if let TransferCode::Correction { of } = transfer.code
            && !self.used.contains(&of)
        {
            return Err(Reject::UnknownTransfer);
        }
        let amount = u128::try_from(transfer.amount.0).map_err(|_| Reject::InvalidAmount)?;
        if amount == 0 {
            return Err(Reject::InvalidAmount);
        }
        let asset = usize::from(transfer.asset.0);
        if asset >= assets {
            return Err(Reject::UnknownAsset);
        }
        if transfer.debit == transfer.credit {
            return Err(Reject::SameAccount);
        }
        let debit = ledger.entry(transfer.debit).ok_or(Reject::UnknownAccount)?;
        let credit = ledger.slot(transfer.credit).ok_or(Reject::UnknownAccount)?;
        let leaves = matches!(transfer.code, TransferCode::Withdrawal | TransferCode::Internal);
        if leaves && debit.restrictions().no_withdraw {
            return Err(Reject::AccountMayNotWithdraw);
        }
        let debit = debit.slot();
        if !ledger.covers(debit, asset, amount) {
            return Err(Reject::InsufficientBalance);
        }
        Ok(Checked {
            debit,
            credit,
            asset,
            amount,
        })
    }

    /// Moves money at once.
    pub(crate) fn post_now(
        &mut self,
        ledger: &mut Ledger,
        assets: usize,
        transfer: &Transfer,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let checked = self.check(ledger, assets, transfer)?;
        ledger
            .balance_mut(checked.debit, checked.asset)
            .spend(checked.amount);
        ledger
            .balance_mut(checked.credit, checked.asset)
            .receive(checked.amount);
        self.used.insert(transfer.transfer);
        events.push(posted(transfer));
        Ok(())
    }

    /// First phase.
    pub(crate) fn hold(
        &mut self,
        ledger: &mut Ledger,
        assets: usize,
        transfer: &Transfer,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let checked = self.check(ledger, assets, transfer)?;
        ledger
            .balance_mut(checked.debit, checked.asset)
            .hold(checked.amount);
        self.used.insert(transfer.transfer);
        self.held.insert(transfer.transfer, *transfer);
        events.push(Event::TransferHeld {
            transfer: transfer.transfer,
            debit: transfer.debit,
            credit: transfer.credit,
            asset: transfer.asset,
            amount: transfer.amount,
            code: transfer.code,
        });
        Ok(())
    }

    /// Second phase: to the credit account if `post`, else back.
    pub(crate) fn settle(
        &mut self,
        ledger: &mut Ledger,
        transfer: TransferId,
        post: bool,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let held = *self.held.get(&transfer).ok_or(Reject::UnknownTransfer)?;
        let debit = ledger.slot(held.debit).ok_or(Reject::UnknownAccount)?;
        let credit = ledger.slot(held.credit).ok_or(Reject::UnknownAccount)?;
        let asset = usize::from(held.asset.0);
        let amount = held.amount.0.unsigned_abs();
        if post {
            ledger.balance_mut(debit, asset).spend_held(amount);
            ledger.balance_mut(credit, asset).receive(amount);
            events.push(posted(&held));
        } else {
            ledger.balance_mut(debit, asset).release(amount);
            events.push(Event::TransferVoided {
                transfer,
                debit: held.debit,
                asset: held.asset,
                amount: held.amount,
                code: held.code,
            });
        }
        self.held.remove(&transfer);
        Ok(())
    }

    /// Takes over what was used and is held.
    pub(crate) fn restore(&mut self, used: &[TransferId], held: &[Transfer]) {
        self.used = used.iter().copied().collect();
        self.held = held
            .iter()
            .map(|transfer| (transfer.transfer, *transfer))
            .collect();
    }

    /// The id was used.
    pub(crate) fn exists(&self, transfer: TransferId) -> bool {
        self.used.contains(&transfer)
    }

    /// Ids ever used, ascending.
    pub(crate) fn used(&self) -> impl ExactSizeIterator<Item = TransferId> {
        self.used.iter().copied()
    }

    /// Transfers that wait, ascending by id.
    pub(crate) fn held(&self) -> impl ExactSizeIterator<Item = &Transfer> {
        self.held.values()
    }
}

fn posted(transfer: &Transfer) -> Event {
    Event::TransferPosted {
        transfer: transfer.transfer,
        debit: transfer.debit,
        credit: transfer.credit,
        asset: transfer.asset,
        amount: transfer.amount,
        code: transfer.code,
    }
}
