//! The kernel sends each packet to the socket of its shard: a classic BPF program on the group of sockets that share a
//! port, which reads the first byte of the destination connection ID (`SO_ATTACH_REUSEPORT_CBPF`, socket(7)).

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

/// Attaches the program to the group of this socket; all of its `shards` sockets are bound. Sockets that are bound later
/// would shift the numbers.
///
/// # Errors
/// The kernel refuses it.
pub(crate) fn attach(socket: &UdpSocket, shards: usize) -> io::Result<()> {
    let shards = u32::try_from(shards).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut program = program(shards);
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: the program and its description are readable for the call, which copies them.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_REUSEPORT_CBPF,
            (&raw const filter).cast(),
            size_of_val(&filter) as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The byte that [`super::cid::shard_of`] looks at, modulo the number of shards. The data begins behind the UDP header.
fn program(shards: u32) -> [libc::sock_filter; 7] {
    let code = |code: u32, jt: u8, jf: u8, k: u32| libc::sock_filter { code: code as u16, jt, jf, k };
    [
        code(libc::BPF_LD | libc::BPF_B | libc::BPF_ABS, 0, 0, 0),
        // A long header?
        code(libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K, 0, 2, 0x80),
        code(libc::BPF_LD | libc::BPF_B | libc::BPF_ABS, 0, 0, 6),
        code(libc::BPF_JMP | libc::BPF_JA, 0, 0, 1),
        code(libc::BPF_LD | libc::BPF_B | libc::BPF_ABS, 0, 0, 1),
        code(libc::BPF_ALU | BPF_MOD | libc::BPF_K, 0, 0, shards),
        code(libc::BPF_RET | BPF_A, 0, 0, 0),
    ]
}

/// linux/bpf_common.h
const BPF_MOD: u32 = 0x90;
/// linux/filter.h
const BPF_A: u32 = 0x10;
