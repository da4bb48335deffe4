//! Whom nodes let in, and whom not.

mod files;
mod handshake;
mod material;
