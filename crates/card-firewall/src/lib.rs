//! Card numbers in text, however they are written: found, so that they can be refused, removed or reported.
//!
//! A number counts as a card's when it has a length that its issuer gives out ([`issuers`]) and a right check digit, and when
//! it is written as numbers are: digits of any script, together or in groups with a few characters between that are neither
//! letters nor digits. What stands inside a longer word of letters and digits mixed (a key, a hash, an identifier) is not
//! taken for one: else a random key would now and then be refused. Nor is a number of at most [`PHONE_DIGITS_MAX`] digits
//! after a plus sign: that is a telephone number in international form. Nor is a text that as a whole is a decimal number with a
//! point, or a UUID.
//!
//! It does not know: pictures of cards, digits written as words, digits hidden in a longer row of digits, cards of 12 digits
//! (some of Maestro's; telephone numbers without a plus look the same). What it cannot tell apart is one number in ten of the
//! right length and beginning, by chance: such a text is refused too.

mod digits;
mod groups;
pub mod issuers;
mod leaves;
mod scan;

pub use digits::digit_value;
pub use groups::{Finding, PHONE_DIGITS_MAX, SEPARATORS_MAX, find, find_split, redact};
pub use leaves::{Leaf, leaves};
pub use scan::{Hit, SCAN_OVERLAP_BYTES, Scanner};
