//! WebTransport as a peer meets it: both halves against each other, against bytes of other implementations, and against
//! bytes that no implementation would send.

mod hostile;
mod pair;
mod requests;
mod support;
mod theirs;
