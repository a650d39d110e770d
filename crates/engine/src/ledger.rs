//! The ledger: what every account has of every asset, available and held.
//!
//! Accounts are counted densely in the order opened (their *slot*), and a slot's balances lie side by side, so
//! that a trade touches one or two cache lines an account. Ids lead to slots through a plain array while
//! they are reasonably dense, which the service's are, and through a hash map otherwise. What an account may not do and
//! its fee tier stand beside its slot in the same number, so that asking costs nothing more.
//!
//! **No sum overflows.** Only house accounts go below zero, and none further than [`HOUSE_DEBT_MAX`] = 2^110.
//! There are at most 1,000 of them, and each asset sums to zero, so no balance exceeds 1,000 × 2^110 < 2^120,
//! and sums of two balances fit in 128 bits with room to spare. What is *asked for* may be larger, and is
//! compared, not added.
//!
//! Knows no orders and no transfers; whoever holds must release.

use crate::array::{Array, fetch};
use crate::balances::{BalanceMut, Balances, Place};
use crate::reject::Reject;
use crate::{Balance, Restrictions};
use alloc::vec::Vec;
use ensoex_types::AccountId;
use hashbrown::HashMap;

/// How far a house account may go below zero, in smallest units.
pub(crate) const HOUSE_DEBT_MAX: i128 = 1 << 110;
/// Most accounts: slots have 26 bits, and one is no slot.
pub(crate) const ACCOUNTS_MAX: usize = (1 << SLOT_BITS) - 1;
const SLOT_BITS: u32 = 26;
/// Most assets.
pub(crate) const ASSETS_MAX: usize = 256;

/// Slot of the account that earns the fees: opened second.
pub(crate) const FEES_SLOT: u32 = 1;
/// Accounts that exist from the start.
const HOUSE: [AccountId; 3] = [
    AccountId::PAY_CLEARING,
    AccountId::FEES,
    AccountId::OPERATOR_CAPITAL,
];
const UNKNOWN: Entry = Entry(u32::MAX);
const NO_TRADE: u32 = 1 << 30;
const NO_WITHDRAW: u32 = 1 << 31;

/// An account's slot (26 bits), fee tier (4 bits) and restrictions (2 bits).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry(u32);

impl Entry {
    /// Where its balances lie.
    #[inline(always)]
    pub(crate) fn slot(self) -> u32 {
        self.0 & ((1 << SLOT_BITS) - 1)
    }

    /// What it may not do.
    #[inline(always)]
    pub(crate) fn restrictions(self) -> Restrictions {
        Restrictions {
            no_trade: self.0 & NO_TRADE != 0,
            no_withdraw: self.0 & NO_WITHDRAW != 0,
        }
    }

    /// Its own fee tier.
    pub(crate) fn tier(self) -> u8 {
        (self.0 >> SLOT_BITS & 0xf) as u8
    }

    fn new(slot: u32, tier: u8, restrictions: Restrictions) -> Entry {
        let no_trade = if restrictions.no_trade { NO_TRADE } else { 0 };
        let no_withdraw = if restrictions.no_withdraw { NO_WITHDRAW } else { 0 };
        Entry(slot | u32::from(tier & 0xf) << SLOT_BITS | no_trade | no_withdraw)
    }
}
/// Ids below this, or below four times the accounts opened, are looked up in the array.
const DIRECT_MIN: usize = 1 << 14;

/// See the module's doc.
pub(crate) struct Ledger {
    accounts: Array<AccountId>,
    entries: Vec<Entry>,
    entries_sparse: HashMap<AccountId, Entry>,
    balances: Balances,
    assets: usize,
    /// A slot's balances start at `slot * stride`; a power of two.
    stride: usize,
}

impl Ledger {
    pub(crate) fn new() -> Ledger {
        let mut ledger = Ledger {
            accounts: Array::new(),
            entries: Vec::new(),
            entries_sparse: HashMap::new(),
            balances: Balances::new(),
            assets: 0,
            stride: 2,
        };
        for account in HOUSE {
            ledger.insert(account);
        }
        ledger
    }

    /// Opens an account.
    pub(crate) fn open(&mut self, account: AccountId) -> Result<(), Reject> {
        if self.slot(account).is_some() {
            return Err(Reject::AlreadyListed);
        }
        if self.accounts.len() >= ACCOUNTS_MAX {
            return Err(Reject::CapacityReached);
        }
        self.insert(account);
        Ok(())
    }

    fn insert(&mut self, account: AccountId) {
        let slot = self.accounts.len() as u32;
        let id = account.0 as usize;
        let entry = Entry::new(slot, 0, Restrictions::default());
        if id < self.entries.len() || id < DIRECT_MIN.max(self.accounts.len() * 4) {
            if id >= self.entries.len() {
                self.entries.resize((id + 1).next_power_of_two(), UNKNOWN);
                self.move_dense();
            }
            self.entries[id] = entry;
        } else {
            self.entries_sparse.insert(account, entry);
        }
        self.accounts.extend_to(slot as usize + 1, &account);
        self.balances.extend_to(self.accounts.len() * self.stride);
    }

    /// Makes room for one more asset.
    pub(crate) fn add_asset(&mut self) {
        self.assets += 1;
        if self.assets <= self.stride {
            return;
        }
        let old = core::mem::replace(&mut self.balances, Balances::new());
        let stride = self.stride;
        self.balances.extend_to(self.accounts.len() * stride * 2);
        for index in 0..old.len() {
            let moved = index / stride * stride * 2 + index % stride;
            self.balances.get_mut(moved).set(old.get(index));
        }
        self.stride *= 2;
    }

    /// Accounts that the array covers now leave the hash map.
    fn move_dense(&mut self) {
        let entries = &mut self.entries;
        self.entries_sparse
            .retain(|account, entry| match entries.get_mut(account.0 as usize) {
                Some(dense) => {
                    *dense = *entry;
                    false
                }
                None => true,
            });
    }

    /// The account's slot, tier and restrictions.
    #[inline(always)]
    pub(crate) fn entry(&self, account: AccountId) -> Option<Entry> {
        let entry = self.entry_or_nobody(account);
        (entry != UNKNOWN).then_some(entry)
    }

    /// The same; of an account that does not exist, an entry that is restricted and whose slot is nobody's.
    #[inline(always)]
    pub(crate) fn entry_or_nobody(&self, account: AccountId) -> Entry {
        match self.entries.get(account.0 as usize) {
            Some(&entry) => entry,
            None => self.entry_sparse(account),
        }
    }

    #[inline(never)]
    fn entry_sparse(&self, account: AccountId) -> Entry {
        self.entries_sparse.get(&account).copied().unwrap_or(UNKNOWN)
    }

    /// Where the account's balances lie.
    #[inline(always)]
    pub(crate) fn slot(&self, account: AccountId) -> Option<u32> {
        self.entry(account).map(Entry::slot)
    }

    /// Own fee tier of the account in `slot`.
    pub(crate) fn tier(&self, slot: u32) -> u8 {
        self.entry(self.account(slot)).map_or(0, Entry::tier)
    }

    /// The account may not trade.
    pub(crate) fn may_not_trade(&self, slot: u32) -> bool {
        let entry = self.entry(self.account(slot));
        entry.is_some_and(|entry| entry.restrictions().no_trade)
    }

    /// Changes what an account may not do, and its own fee tier (at most 15).
    pub(crate) fn set_entry(&mut self, account: AccountId, tier: u8, restrictions: Restrictions) {
        let Some(slot) = self.slot(account) else {
            return;
        };
        let entry = Entry::new(slot, tier, restrictions);
        match self.entries.get_mut(account.0 as usize) {
            Some(dense) => *dense = entry,
            None => {
                self.entries_sparse.insert(account, entry);
            }
        }
    }

    /// Whose slot it is.
    #[inline]
    pub(crate) fn account(&self, slot: u32) -> AccountId {
        self.accounts[slot]
    }

    /// Fetches whose slot it is.
    #[inline(always)]
    pub(crate) fn fetch_account(&self, slot: u32) {
        fetch(self.accounts.as_slice(), slot as usize);
    }

    /// All accounts, in the order opened.
    pub(crate) fn accounts(&self) -> &[AccountId] {
        self.accounts.as_slice()
    }

    #[inline(always)]
    fn position(&self, slot: u32, asset: usize) -> usize {
        slot as usize * self.stride + asset
    }

    /// What `slot` has of `asset` (a listed one).
    #[inline(always)]
    pub(crate) fn balance(&self, slot: u32, asset: usize) -> Balance {
        self.balances.get(self.position(slot, asset))
    }

    /// Fetches what [`Ledger::entry`] reads: see [`crate::ahead`].
    #[inline(always)]
    pub(crate) fn fetch_entry(&self, account: AccountId) {
        fetch(&self.entries, account.0 as usize);
    }

    /// Fetches what `slot` has of `asset`.
    #[inline(always)]
    pub(crate) fn fetch(&self, slot: u32, asset: usize) {
        self.balances.fetch(self.position(slot, asset));
    }

    /// The same, to change; the caller keeps the asset's sum.
    #[inline(always)]
    pub(crate) fn balance_mut(&mut self, slot: u32, asset: usize) -> BalanceMut<'_> {
        let position = self.position(slot, asset);
        self.balances.get_mut(position)
    }

    /// Where the balances of `slot` lie, until an account or an asset is added.
    #[inline(always)]
    pub(crate) fn place(&self, slot: u32) -> Place {
        self.balances.place(self.position(slot, 0))
    }

    /// The same as [`Ledger::balance_mut`], of the account whose balances lie at `place`.
    #[inline(always)]
    pub(crate) fn balance_at_mut(&mut self, place: Place, asset: usize) -> BalanceMut<'_> {
        self.balances.at_mut(place, asset)
    }

    /// How much more of `asset` the account can give.
    pub(crate) fn spendable(&self, slot: u32, asset: usize) -> u128 {
        let available = self.balance(slot, asset).available.0;
        let debt_max = if self.account(slot).may_be_negative() {
            HOUSE_DEBT_MAX
        } else {
            0
        };
        u128::try_from(available + debt_max).unwrap_or(0)
    }

    /// Holds `amount` (below 2^127) of `asset`, if the account can give it.
    #[inline(always)]
    pub(crate) fn try_hold(&mut self, slot: u32, asset: usize, amount: u128) -> bool {
        let balance = self.balance_mut(slot, asset);
        if balance.available.0 >= amount as i128 {
            balance.hold(amount);
            return true;
        }
        self.try_hold_on_credit(slot, asset, amount)
    }

    #[cold]
    #[inline(never)]
    fn try_hold_on_credit(&mut self, slot: u32, asset: usize, amount: u128) -> bool {
        let covers = self.spendable(slot, asset) >= amount;
        if covers {
            self.balance_mut(slot, asset).hold(amount);
        }
        covers
    }

    /// The account can give `amount` (below 2^127) of `asset`.
    #[inline(always)]
    pub(crate) fn covers(&self, slot: u32, asset: usize, amount: u128) -> bool {
        self.balance(slot, asset).available.0 >= amount as i128 || self.spendable(slot, asset) >= amount
    }
}
