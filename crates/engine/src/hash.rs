//! The state's fingerprint: SHA-256 over one canonical serialization of everything that later answers
//! depend on.
//!
//! Canonical means ordered by ids and priority, never by where something lies in memory; integers are
//! little-endian and of fixed width, texts and lists are preceded by their length. Balances of zero are left
//! out. Changing the layout needs a new [`FORMAT`].

use crate::engine::Engine;
use crate::market::Market;
use crate::query::Balance;
use crate::{Side, Transfer, TransferCode};
use ensoex_types::{AccountId, Amount, MarketState};
use sha2::{Digest, Sha256};

/// First bytes of the serialization.
const FORMAT: &[u8] = b"ensoex-engine-state-1";

/// Gathers small integers into blocks.
struct Writer {
    digest: Sha256,
    block: [u8; 4_096],
    length: usize,
}

impl Writer {
    fn bytes(&mut self, bytes: &[u8]) {
        if self.length + bytes.len() > self.block.len() {
            self.flush();
        }
        match self.block.get_mut(self.length..self.length + bytes.len()) {
            Some(free) => {
                free.copy_from_slice(bytes);
                self.length += bytes.len();
            }
            None => self.digest.update(bytes),
        }
    }

    fn flush(&mut self) {
        self.digest.update(&self.block[..self.length]);
        self.length = 0;
    }

    fn u8(&mut self, value: u8) {
        self.bytes(&[value]);
    }

    fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }

    fn amount(&mut self, value: Amount) {
        self.bytes(&value.0.to_le_bytes());
    }

    fn text(&mut self, text: &[u8]) {
        self.u64(text.len() as u64);
        self.bytes(text);
    }
}

impl Engine {
    /// SHA-256 over the canonical state: the same log gives the same hash on every machine.
    pub fn state_hash(&self) -> [u8; 32] {
        let mut writer = Writer {
            digest: Sha256::new(),
            block: [0; 4_096],
            length: 0,
        };
        writer.bytes(FORMAT);
        writer.u64(self.sequence.0);
        writer.u64(self.assets.len() as u64);
        for asset in &self.assets {
            writer.text(asset.code.as_bytes());
            writer.u8(asset.scale);
        }
        self.write_accounts(&mut writer);
        writer.u64(self.markets.len() as u64);
        for market in &self.markets {
            write_rules(&mut writer, market);
            self.write_book(&mut writer, market);
        }
        self.write_transfers(&mut writer);
        writer.flush();
        writer.digest.finalize().into()
    }

    fn write_accounts(&self, writer: &mut Writer) {
        let accounts = self.accounts();
        writer.u64(accounts.len() as u64);
        for account in accounts {
            let Some(slot) = self.ledger.slot(account) else {
                continue;
            };
            let balance = |asset: usize| self.ledger.balance(slot, asset);
            let nonzero = |asset: &usize| balance(*asset) != Balance::default();
            writer.u32(account.0);
            writer.u64((0..self.assets.len()).filter(nonzero).count() as u64);
            for asset in (0..self.assets.len()).filter(nonzero) {
                writer.u64(asset as u64);
                writer.amount(balance(asset).available);
                writer.amount(balance(asset).held);
            }
        }
    }

    fn write_book(&self, writer: &mut Writer, market: &Market) {
        let (last_id, capacity) = market.book.id_state();
        writer.u64(market.last_trade);
        writer.u64(last_id);
        writer.u64(capacity);
        writer.u64(market.book.len() as u64);
        for side in [Side::Buy, Side::Sell] {
            for (price, level) in market.book.levels(side) {
                writer.u8(side.index() as u8);
                writer.u64(price);
                writer.u32(level.orders);
                for (slot, order) in market.book.queue(level) {
                    let placed = market.book.placed(slot);
                    writer.u64(order.id());
                    writer.u32(self.ledger.account(market.book.owner(slot)).0);
                    writer.u64(placed.quantity);
                    writer.u64(order.remaining);
                    writer.u64(placed.at);
                    writer.u8(u8::from(order.post_only()));
                    match market.book.name(order) {
                        Some(name) => writer.text(name.as_bytes()),
                        None => writer.text(&[]),
                    }
                }
            }
        }
    }

    fn write_transfers(&self, writer: &mut Writer) {
        writer.u64(self.transfers.used().len() as u64);
        for transfer in self.transfers.used() {
            writer.bytes(&transfer.0.to_le_bytes());
        }
        writer.u64(self.transfers.held().len() as u64);
        for transfer in self.transfers.held() {
            write_transfer(writer, transfer);
        }
    }
}

fn write_rules(writer: &mut Writer, market: &Market) {
    let spec = &market.spec;
    writer.text(spec.symbol.as_bytes());
    writer.u32(u32::from(spec.base.0));
    writer.u32(u32::from(spec.quote.0));
    writer.u64(spec.lot_size);
    writer.u64(spec.tick_value);
    writer.u8(spec.price_scale);
    writer.u64(spec.tick_units);
    writer.u64(spec.price_min.0);
    writer.u64(spec.price_max.0);
    writer.u64(spec.quantity_min.0);
    writer.u64(spec.quantity_max.0);
    writer.amount(spec.notional_min);
    writer.amount(spec.notional_max);
    writer.u32(spec.orders_per_account_max);
    writer.u32(spec.maker_fee.0);
    writer.u32(spec.taker_fee.0);
    writer.u8(match market.state {
        MarketState::Trading => 0,
        MarketState::CancelOnly => 1,
        MarketState::Halted => 2,
    });
}

fn write_transfer(writer: &mut Writer, transfer: &Transfer) {
    let AccountId(debit) = transfer.debit;
    let AccountId(credit) = transfer.credit;
    writer.bytes(&transfer.transfer.0.to_le_bytes());
    writer.u32(debit);
    writer.u32(credit);
    writer.u32(u32::from(transfer.asset.0));
    writer.amount(transfer.amount);
    writer.u8(match transfer.code {
        TransferCode::Deposit => 0,
        TransferCode::Withdrawal => 1,
        TransferCode::Capital => 2,
        TransferCode::Internal => 3,
        TransferCode::Correction => 4,
    });
}
