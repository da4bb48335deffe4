//! The relay: a seeded network to run load through.

pub mod model;
