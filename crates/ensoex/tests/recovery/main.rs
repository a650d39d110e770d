//! The real program under load: killed at random moments, taken over by a standby, stopped and woken too late. What was
//! acknowledged is there, nothing is there twice, and the files prove themselves.

mod health;
mod keys;
mod kill;
mod load;
mod service;
mod standby;
