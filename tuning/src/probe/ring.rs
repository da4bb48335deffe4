//! The smallest ring that can be asked something: set up, one submission, one look at the completions. See io_uring_setup(2),
//! io_uring_enter(2) and io_uring_register(2) for the layouts.

use std::io::{self, Write as _};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Answer, operation};

const SETUP_CLAMP: u32 = 1 << 4;
const SETUP_SINGLE_ISSUER: u32 = 1 << 12;
const SETUP_DEFER_TASKRUN: u32 = 1 << 13;
const FEATURE_SINGLE_MMAP: u32 = 1 << 0;
const ENTER_GETEVENTS: u32 = 1 << 0;
const REGISTER_PROBE: u32 = 8;
const OPERATION_SUPPORTED: u16 = 1 << 0;
const OFFSET_RINGS: libc::off_t = 0;
const OFFSET_ENTRIES: libc::off_t = 0x1000_0000;
const ACCEPT_MULTISHOT: u16 = 1 << 0;
const RECV_MULTISHOT: u16 = 1 << 1;
const ENTRY_BUFFER_SELECT: u8 = 1 << 5;
/// A group of buffers that nobody provides.
const NO_GROUP: u16 = 0xbeef;

/// Flags and size of a ring.
#[derive(Clone, Copy)]
pub(super) struct Setup {
    flags: u32,
    entries: u32,
}

impl Setup {
    pub(super) const PLAIN: Self = Self { flags: 0, entries: 4 };
    pub(super) const SHARD: Self =
        Self { flags: SETUP_CLAMP | SETUP_SINGLE_ISSUER | SETUP_DEFER_TASKRUN, entries: 4 };
}

/// A ring that nothing is in flight on for longer than one call of ours.
pub(super) struct Ring {
    descriptor: OwnedFd,
    parameters: Parameters,
}

/// `struct io_uring_params`.
#[repr(C)]
#[derive(Default)]
struct Parameters {
    sq_entries: u32,
    cq_entries: u32,
    flags: u32,
    sq_thread_cpu: u32,
    sq_thread_idle: u32,
    features: u32,
    wq_fd: u32,
    reserved: [u32; 3],
    submission: Offsets,
    completion: Offsets,
}

/// `struct io_sqring_offsets` and `struct io_cqring_offsets`, whose last three words differ in meaning.
#[repr(C)]
#[derive(Default)]
struct Offsets {
    head: u32,
    tail: u32,
    ring_mask: u32,
    ring_entries: u32,
    flags_or_overflow: u32,
    dropped_or_entries: u32,
    array_or_flags: u32,
    reserved: u32,
    address: u64,
}

/// `struct io_uring_sqe`.
#[repr(C)]
#[derive(Default)]
struct Entry {
    operation: u8,
    flags: u8,
    priority: u16,
    descriptor: RawFd,
    offset: u64,
    address: u64,
    bytes: u32,
    operation_flags: u32,
    user_data: u64,
    buffer_group: u16,
    personality: u16,
    file_index: u32,
    rest: [u64; 2],
}

/// `struct io_uring_cqe`.
#[repr(C)]
struct Completion {
    user_data: u64,
    result: i32,
    flags: u32,
}

/// `struct io_uring_probe` with all operations that a byte can name.
#[repr(C)]
struct Register {
    last: u8,
    count: u8,
    reserved: [u16; 7],
    operations: [Operation; 256],
}

/// `struct io_uring_probe_op`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Operation {
    number: u8,
    reserved: u8,
    flags: u16,
    reserved_too: u32,
}

const _: () = assert!(size_of::<Parameters>() == 120);
const _: () = assert!(size_of::<Entry>() == 64);
const _: () = assert!(size_of::<Completion>() == 16);
const _: () = assert!(size_of::<Register>() == 16 + 8 * 256);

impl Ring {
    /// Sets a ring up.
    ///
    /// # Errors
    /// What the kernel said: `EPERM` or `ENOSYS` where it is forbidden or unknown, `EINVAL` for flags it does not know, `ENOMEM` at the limit
    /// of locked memory.
    pub(super) fn new(setup: Setup) -> io::Result<Self> {
        let mut parameters = Parameters { flags: setup.flags, ..Parameters::default() };
        // SAFETY: the pointer is to parameters of ours, of the layout that the call expects.
        let made = unsafe { libc::syscall(libc::SYS_io_uring_setup, setup.entries, &raw mut parameters) };
        if made < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel just gave us this descriptor, and nobody else has it.
        let descriptor = unsafe { OwnedFd::from_raw_fd(made as RawFd) };
        Ok(Self { descriptor, parameters })
    }

    /// The numbers of the operations that it knows; `None` before Linux 5.6, which can't say.
    pub(super) fn operations(&self) -> Option<Vec<u8>> {
        let none = Operation { number: 0, reserved: 0, flags: 0, reserved_too: 0 };
        let mut register = Register { last: 0, count: 0, reserved: [0; 7], operations: [none; 256] };
        // SAFETY: the pointer is to a zeroed register of ours that has room for as many operations as said.
        let done = unsafe {
            libc::syscall(
                libc::SYS_io_uring_register,
                self.descriptor.as_raw_fd(),
                REGISTER_PROBE,
                &raw mut register,
                register.operations.len() as u32,
            )
        };
        let known = &register.operations[..usize::from(register.count)];
        let supported = known.iter().filter(|one| one.flags & OPERATION_SUPPORTED != 0);
        (done == 0).then(|| supported.map(|one| one.number).collect())
    }

    /// Whether one accept may yield many connections: on a socket that accepts nothing, an older kernel complains of the flag, a newer one
    /// of the socket.
    pub(super) fn accepts_in_series(&self) -> Answer {
        let Ok(socket) = UnixDatagram::unbound() else { return Answer::NotAsked };
        self.knows(Entry {
            operation: operation::ACCEPT,
            priority: ACCEPT_MULTISHOT,
            descriptor: socket.as_raw_fd(),
            ..Entry::default()
        })
    }

    /// Whether one receive may yield many buffers: with bytes to read and a group without buffers, an older kernel complains of the flag, a
    /// newer one of the group.
    pub(super) fn receives_in_series(&self) -> Answer {
        let Ok((mut one, other)) = UnixStream::pair() else { return Answer::NotAsked };
        if one.write_all(b"x").is_err() {
            return Answer::NotAsked;
        }
        self.knows(Entry {
            operation: operation::RECV,
            flags: ENTRY_BUFFER_SELECT,
            priority: RECV_MULTISHOT,
            descriptor: other.as_raw_fd(),
            buffer_group: NO_GROUP,
            ..Entry::default()
        })
    }

    /// Submits an entry that can only fail: an invalid argument means that the kernel does not know what it asks for.
    fn knows(&self, entry: Entry) -> Answer {
        match self.result_of(entry) {
            Some(result) if result == -libc::EINVAL => Answer::Error(libc::EINVAL),
            Some(_) => Answer::Yes,
            None => Answer::NotAsked,
        }
    }

    /// The result of the ring's first and only submission since its last completion; `None` when the kernel has none at once.
    fn result_of(&self, entry: Entry) -> Option<i32> {
        if self.parameters.features & FEATURE_SINGLE_MMAP == 0 {
            return None;
        }
        let (submission, completion) = (&self.parameters.submission, &self.parameters.completion);
        let entries_at = completion.dropped_or_entries as usize;
        let array_at = submission.array_or_flags as usize;
        let rings_bytes = (entries_at + self.parameters.cq_entries as usize * size_of::<Completion>())
            .max(array_at + self.parameters.sq_entries as usize * size_of::<u32>());
        let entries_bytes = self.parameters.sq_entries as usize * size_of::<Entry>();
        let rings = Mapping::of(&self.descriptor, OFFSET_RINGS, rings_bytes)?;
        let entries = Mapping::of(&self.descriptor, OFFSET_ENTRIES, entries_bytes)?;

        let tail = rings.word(submission.tail as usize)?;
        let slot = tail.load(Ordering::Relaxed) % self.parameters.sq_entries;
        // SAFETY: the slot is below the number of entries that the mapping holds, and the kernel reads it only after the tail has moved.
        unsafe { entries.start.cast::<Entry>().add(slot as usize).write(entry) };
        rings.word(array_at + slot as usize * size_of::<u32>())?.store(slot, Ordering::Relaxed);
        tail.fetch_add(1, Ordering::Release);

        // SAFETY: plain numbers; no memory is lent.
        let submitted = unsafe {
            libc::syscall(
                libc::SYS_io_uring_enter,
                self.descriptor.as_raw_fd(),
                1_u32,
                0_u32,
                ENTER_GETEVENTS,
                std::ptr::null::<libc::c_void>(),
                0_usize,
            )
        };
        let head = rings.word(completion.head as usize)?;
        let at = head.load(Ordering::Relaxed);
        let ended = rings.word(completion.tail as usize)?.load(Ordering::Acquire);
        if submitted != 1 || at == ended {
            return None;
        }
        let offset = entries_at + (at % self.parameters.cq_entries) as usize * size_of::<Completion>();
        // SAFETY: the offset is that of a completion within the mapping, which the kernel wrote before it moved the tail.
        let result = unsafe { rings.start.add(offset).cast::<Completion>().read() }.result;
        head.store(ended, Ordering::Release);
        Some(result)
    }
}

/// Memory that we share with the kernel.
struct Mapping {
    start: NonNull<u8>,
    bytes: usize,
}

impl Mapping {
    fn of(descriptor: &OwnedFd, offset: libc::off_t, bytes: usize) -> Option<Self> {
        // SAFETY: a new mapping where the kernel likes; nothing of ours is replaced.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_POPULATE,
                descriptor.as_raw_fd(),
                offset,
            )
        };
        if start == libc::MAP_FAILED {
            return None;
        }
        Some(Self { start: NonNull::new(start.cast())?, bytes })
    }

    /// A word that the kernel may look at and change.
    fn word(&self, offset: usize) -> Option<&AtomicU32> {
        let whole = offset.is_multiple_of(align_of::<u32>()) && offset + size_of::<u32>() <= self.bytes;
        // SAFETY: inside the mapping, aligned, and touched only by atomic operations on either side.
        whole.then(|| unsafe { self.start.add(offset).cast().as_ref() })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: our own mapping, of which no reference outlives us.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.bytes) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The probe tells a flag that is known from one that is not: a flag that no kernel has must be refused by each that makes rings.
    #[test]
    fn a_flag_that_no_kernel_has_is_unknown() {
        let Ok(ring) = Ring::new(Setup::PLAIN) else { return };
        let socket = UnixDatagram::unbound().expect("a socket");
        for _ in 0..10 {
            let answer = ring.knows(Entry {
                operation: operation::ACCEPT,
                priority: 0x8000,
                descriptor: socket.as_raw_fd(),
                ..Entry::default()
            });
            assert_eq!(answer, Answer::Error(libc::EINVAL));
        }
    }
}
