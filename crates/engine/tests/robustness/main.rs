//! Anything that decodes is answered: no panic, no broken invariant, whatever the numbers, the order or the
//! amount.

mod ahead;
mod cascades;
mod damaged;
mod hash;
mod ids;
mod levels;
mod limits;
mod prepared;
mod random;
mod unsafe_code;
