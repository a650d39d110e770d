//! EnsoExPAY: takes money from cards and sends money to cards, so that the Service never sees a card.
//!
//! The Service makes checkout sessions over a signed API and sends the person's browser here; the person gives the
//! card on pages of this origin; the card network is asked over ISO 8583; the Service learns the result by signed
//! webhooks and by the list of events.
//!
//! What it does not know: names, e-mail addresses, balances, orders. Customers are opaque references.

mod card;
mod clock;
mod failpoint;
mod http;
mod network;
mod page;
mod private_file;
mod processor;
mod random;
mod relay;
mod server;
mod store;
mod vault;

pub use private_file::PrivateFileError;
pub use processor::ProcessError;
pub use server::{Options, Running, StartError, Timing, start};
pub use store::{OpenError, StoreError};
pub use vault::VaultError;
