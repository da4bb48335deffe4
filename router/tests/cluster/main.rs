//! The node's part in a cluster against a real etcd: Debian's `etcd-server`, started here on free loopback ports, its data in a directory that goes
//! away. Where `etcd` is not on PATH each test says so and does nothing.
//!
//! Nothing here asserts a time: conditions are waited for, with a deadline that only a fault reaches.

mod driver;
mod engine;
mod processes;
mod servers;
mod support;
