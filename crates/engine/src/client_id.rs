//! Client order ids: the owner's own names for open orders, kept inline so that none costs an allocation.

use crate::Reject;
use alloc::string::String;
use core::hash::{Hash, Hasher};
use hashbrown::HashMap;

/// Longest client order id, in bytes.
pub(crate) const CLIENT_ORDER_ID_LENGTH_MAX: usize = 36;

/// A client order id of 1 to 36 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClientOrderId {
    length: u8,
    bytes: [u8; CLIENT_ORDER_ID_LENGTH_MAX],
}

impl Hash for ClientOrderId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.as_bytes());
    }
}

impl ClientOrderId {
    /// `None` if the text is empty or too long.
    pub(crate) fn new(text: &str) -> Option<ClientOrderId> {
        let mut bytes = [0; CLIENT_ORDER_ID_LENGTH_MAX];
        let length = u8::try_from(text.len()).ok().filter(|length| *length > 0)?;
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(ClientOrderId { length, bytes })
    }

    /// The name that a command gives, if any.
    #[inline(always)]
    pub(crate) fn read(text: &str) -> Result<Option<ClientOrderId>, Reject> {
        if text.is_empty() {
            return Ok(None);
        }
        match ClientOrderId::new(text) {
            Some(name) => Ok(Some(name)),
            None => Err(Reject::ClientOrderIdTooLong),
        }
    }

    /// The text's bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// The text.
    pub(crate) fn to_text(self) -> String {
        String::from_utf8_lossy(self.as_bytes()).into_owned()
    }
}

/// The same text; for the empty one without a call.
#[inline(always)]
pub(crate) fn copy(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        String::from(text)
    }
}

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
