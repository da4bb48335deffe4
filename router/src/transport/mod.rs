//! How clients come in: listening sockets, admission, the system calls on their connections. Shard view, but for
//! [`listen`].

pub(crate) mod accept;
pub(crate) mod admission;
pub(crate) mod listen;
pub(crate) mod proxy;
pub(crate) mod socket;
