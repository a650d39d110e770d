//! What the engine does, as tables: every row is a command and its whole answer.

mod table;

mod bands;
mod cascades;
mod client_order_ids;
mod delisting;
mod fees;
mod oco;
mod oco_ends;
mod orders;
mod published;
mod published_lists;
mod rejects;
mod restrictions;
mod self_trade;
mod stops;
mod transfers;
mod volumes;
