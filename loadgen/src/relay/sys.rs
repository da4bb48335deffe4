//! The system calls of the relay that the standard library has no safe name for; all `unsafe` of this folder.

use std::ffi::c_char;
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::Duration;

/// Puts the calling thread into a network namespace of its own, with nothing in it but a loopback that is down.
pub(super) fn leave_network() -> io::Result<()> {
    // SAFETY: takes a number and concerns the calling thread only.
    check(unsafe { libc::unshare(libc::CLONE_NEWNET) })
}

/// Puts the calling thread into a network namespace.
pub(super) fn enter_network(namespace: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: the descriptor is open over the call, which concerns the calling thread only.
    check(unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) })
}

/// Makes an open `/dev/net/tun` the device of this name in the caller's namespace: one bare IP packet a read or write.
pub(super) fn attach_tun(device: &File, name: &str) -> io::Result<()> {
    let mut request = interface_request(name);
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short;
    // SAFETY: reads and writes one `ifreq`, which lives over the call.
    check(unsafe { libc::ioctl(device.as_raw_fd(), libc::TUNSETIFF as _, &raw mut request) })
}

/// What can be said of a network interface.
#[derive(Clone, Copy, Debug)]
pub(super) enum InterfaceSetting {
    Address(Ipv4Addr),
    Netmask(Ipv4Addr),
    MtuBytes(u32),
    QueuePackets(u32),
    Up,
}

/// Sets up an interface in the namespace of the socket.
pub(super) fn set_interface(socket: &UdpSocket, name: &str, setting: InterfaceSetting) -> io::Result<()> {
    let mut request = interface_request(name);
    let number = match setting {
        InterfaceSetting::Address(address) => {
            request.ifr_ifru.ifru_addr = socket_address(address);
            libc::SIOCSIFADDR
        }
        InterfaceSetting::Netmask(netmask) => {
            request.ifr_ifru.ifru_netmask = socket_address(netmask);
            libc::SIOCSIFNETMASK
        }
        InterfaceSetting::MtuBytes(bytes) => {
            request.ifr_ifru.ifru_mtu = bytes as libc::c_int;
            libc::SIOCSIFMTU
        }
        InterfaceSetting::QueuePackets(packets) => {
            request.ifr_ifru.ifru_metric = packets as libc::c_int;
            libc::SIOCSIFTXQLEN
        }
        InterfaceSetting::Up => {
            request.ifr_ifru.ifru_flags = libc::IFF_UP as libc::c_short;
            libc::SIOCSIFFLAGS
        }
    };
    // SAFETY: reads one `ifreq`, which lives over the call, and the part of it that the number means was just written.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), number as _, &raw mut request) })
}

fn interface_request(name: &str) -> libc::ifreq {
    assert!(name.len() < libc::IFNAMSIZ, "interface names are short");
    // SAFETY: all zeros is a valid `ifreq`: numbers, arrays of them, and a null pointer.
    let mut request: libc::ifreq = unsafe { MaybeUninit::zeroed().assume_init() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from as c_char;
    }
    request
}

fn socket_address(address: Ipv4Addr) -> libc::sockaddr {
    let mut data = [0; 14];
    for (to, from) in data[2..6].iter_mut().zip(address.octets()) {
        *to = from as c_char;
    }
    libc::sockaddr { sa_family: libc::AF_INET as libc::sa_family_t, sa_data: data }
}

/// Lets a command start in a network namespace, with no signal blocked, and killed when the calling thread ends.
pub(super) fn confine(command: &mut Command, namespace: OwnedFd) {
    let parent = std::process::id();
    let enter = move || {
        enter_network(namespace.as_fd())?;
        // SAFETY: numbers and a signal set on the stack; each call may be made between fork and exec.
        unsafe {
            check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong, 0, 0, 0))?;
            let mut none = MaybeUninit::uninit();
            libc::sigemptyset(none.as_mut_ptr());
            check(libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut()))?;
            // The parent may have ended before the signal was asked for.
            if libc::getppid() as u32 != parent {
                return Err(io::Error::from_raw_os_error(libc::ESRCH));
            }
        }
        Ok(())
    };
    // SAFETY: the closure allocates nothing, takes no lock, and makes only calls that are allowed between fork and exec.
    unsafe { command.pre_exec(enter) };
}

/// Lets the calling thread run before all that are not of its kind; false when the system refuses.
pub(super) fn run_first() -> bool {
    let priority = libc::sched_param { sched_priority: 1 };
    // SAFETY: reads one `sched_param` during the call, and concerns the calling thread only.
    unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const priority) == 0 }
}

/// Sends a signal to a process, or with a negative number to a group. That it is gone already is fine.
pub(super) fn signal(process: i32, signal: i32) {
    // SAFETY: takes two numbers.
    unsafe { libc::kill(process, signal) };
}

/// The signals that end the relay, and the one that says that a child ended; blocked, and taken one by one.
pub(super) struct Signals(libc::sigset_t);

impl Signals {
    /// Blocks them for the calling thread and those that it starts.
    pub(super) fn block() -> io::Result<Self> {
        let mut set = MaybeUninit::uninit();
        // SAFETY: `sigemptyset` initialises the set, which the other calls change and read.
        unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            for signal in [libc::SIGCHLD, libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
                libc::sigaddset(set.as_mut_ptr(), signal);
            }
            check(libc::sigprocmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut()))?;
            Ok(Self(set.assume_init()))
        }
    }

    /// The next signal that asks for the end; nothing when a child ended or the time is over.
    pub(super) fn wait(&self, at_most: Duration) -> Option<i32> {
        let timeout = libc::timespec {
            tv_sec: at_most.as_secs() as libc::time_t,
            tv_nsec: at_most.subsec_nanos().into(),
        };
        // SAFETY: reads the set and the timeout, and is told to write nothing.
        let signal =
            unsafe { libc::sigtimedwait(&raw const self.0, std::ptr::null_mut(), &raw const timeout) };
        (signal > 0 && signal != libc::SIGCHLD).then_some(signal)
    }
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
