//! Where the owners' own names of open orders lead.

use ensoex_types::ClientOrderId;
use hashbrown::HashMap;

/// Where a client order id leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct OrderAddress {
    /// Market id.
    pub(crate) market: u16,
    /// Order id.
    pub(crate) order: u64,
}

/// All client order ids in use, by account as the ledger counts them.
pub(crate) type ClientOrderIds = HashMap<(u32, ClientOrderId), OrderAddress>;
