//! Who has what, and transfers. Held is not stored: it is what the open orders and held transfers need now.

use super::{Model, Waiting};
use ensoex_engine::{Event, Reject, Side, Transfer, TransferCode};
use ensoex_types::{AccountId, AssetId, MarketSpec, TransferId};

/// A house account may owe this much.
const HOUSE_DEBT_MAX: i128 = 1 << 110;

/// What an order of `side` over `lots` at `price` needs.
pub(super) fn need(spec: &MarketSpec, side: Side, price: i128, lots: i128) -> (AssetId, i128) {
    match side {
        Side::Buy => (spec.quote, price * lots * i128::from(spec.tick_value)),
        Side::Sell => (spec.base, lots * i128::from(spec.lot_size)),
    }
}

impl Model {
    /// What an open order needs by itself.
    fn need_of(&self, order: &Waiting) -> (AssetId, i128) {
        let spec = &self.markets[usize::from(order.market.0)].spec;
        need(spec, order.side, order.price(), order.remaining)
    }

    /// What is held for an open order. Of the two orders of a list, the older one has all: the greater of their needs.
    fn hold_of(&self, order: &Waiting) -> (AssetId, i128) {
        let (asset, mut amount) = self.need_of(order);
        let other = order.other.and_then(|other| self.position(order.market, other));
        if let Some(other) = other.map(|position| &self.waiting[position]) {
            amount = match order.order < other.order {
                true => amount.max(self.need_of(other).1),
                false => 0,
            };
        }
        (asset, amount)
    }

    pub(super) fn held(&self, account: AccountId, asset: AssetId) -> i128 {
        let mut held = 0;
        for order in self.waiting.iter().filter(|order| order.account == account) {
            let (needed, amount) = self.hold_of(order);
            if needed == asset {
                held += amount;
            }
        }
        for transfer in &self.transfers_held {
            if transfer.debit == account && transfer.asset == asset {
                held += transfer.amount.0;
            }
        }
        held
    }

    pub(super) fn available(&self, account: AccountId, asset: AssetId) -> i128 {
        let total = self.totals.get(&(account, asset)).copied().unwrap_or(0);
        total - self.held(account, asset)
    }

    /// What it can give: house accounts on credit.
    pub(super) fn spendable(&self, account: AccountId, asset: AssetId) -> i128 {
        let credit = if account.may_be_negative() {
            HOUSE_DEBT_MAX
        } else {
            0
        };
        self.available(account, asset) + credit
    }

    pub(super) fn move_total(&mut self, from: AccountId, to: AccountId, asset: AssetId, amount: i128) {
        *self.totals.entry((from, asset)).or_default() -= amount;
        *self.totals.entry((to, asset)).or_default() += amount;
    }

    fn check_transfer(&self, transfer: &Transfer) -> Result<(), Reject> {
        if self.transfers_used.contains(&transfer.transfer) {
            return Err(Reject::TransferExists);
        }
        if let TransferCode::Correction { of } = transfer.code
            && !self.transfers_used.contains(&of)
        {
            return Err(Reject::UnknownTransfer);
        }
        if transfer.amount.0 < 1 {
            return Err(Reject::InvalidAmount);
        }
        self.known_asset(transfer.asset)?;
        if transfer.debit == transfer.credit {
            return Err(Reject::SameAccount);
        }
        self.known_account(transfer.debit)?;
        self.known_account(transfer.credit)?;
        let withdraws = matches!(transfer.code, TransferCode::Withdrawal | TransferCode::Internal);
        if withdraws && self.restricted(transfer.debit).no_withdraw {
            return Err(Reject::AccountMayNotWithdraw);
        }
        if self.spendable(transfer.debit, transfer.asset) < transfer.amount.0 {
            return Err(Reject::InsufficientBalance);
        }
        Ok(())
    }

    pub(super) fn transfer(&mut self, transfer: &Transfer, events: &mut Vec<Event>) -> Result<(), Reject> {
        self.check_transfer(transfer)?;
        self.transfers_used.insert(transfer.transfer);
        self.do_post(transfer, events);
        Ok(())
    }

    fn do_post(&mut self, transfer: &Transfer, events: &mut Vec<Event>) {
        self.move_total(transfer.debit, transfer.credit, transfer.asset, transfer.amount.0);
        events.push(Event::TransferPosted {
            transfer: transfer.transfer,
            debit: transfer.debit,
            credit: transfer.credit,
            asset: transfer.asset,
            amount: transfer.amount,
            code: transfer.code,
        });
    }

    pub(super) fn hold(&mut self, transfer: &Transfer, events: &mut Vec<Event>) -> Result<(), Reject> {
        self.check_transfer(transfer)?;
        self.transfers_used.insert(transfer.transfer);
        self.transfers_held.push(*transfer);
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

    fn take_held(&mut self, id: TransferId) -> Result<Transfer, Reject> {
        let found = self
            .transfers_held
            .iter()
            .position(|transfer| transfer.transfer == id);
        let position = found.ok_or(Reject::UnknownTransfer)?;
        Ok(self.transfers_held.remove(position))
    }

    pub(super) fn post(&mut self, id: TransferId, events: &mut Vec<Event>) -> Result<(), Reject> {
        let transfer = self.take_held(id)?;
        self.do_post(&transfer, events);
        Ok(())
    }

    pub(super) fn void(&mut self, id: TransferId, events: &mut Vec<Event>) -> Result<(), Reject> {
        let transfer = self.take_held(id)?;
        events.push(Event::TransferVoided {
            transfer: transfer.transfer,
            debit: transfer.debit,
            asset: transfer.asset,
            amount: transfer.amount,
            code: transfer.code,
        });
        Ok(())
    }
}
