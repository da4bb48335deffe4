//! The processes on both sides. However the relay ends, they end with it.

use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::namespace::{Namespace, SERVER};
use super::sys::{self, Signals};

/// The variable that tells both commands where the server is.
const SERVER_VARIABLE: &str = "RINGWAY_RELAY_SERVER";
/// The variable that tells the client which process that is, since it can't be found by a port of another namespace.
const SERVER_PID_VARIABLE: &str = "RINGWAY_RELAY_SERVER_PID";

/// A child in one of the namespaces; killed when dropped.
pub(super) struct Process {
    child: Child,
    /// Itself, or its group with a minus.
    target: i32,
    status: Option<ExitStatus>,
}

impl Process {
    /// The server: a shell's command, in a process group of its own so that all of it can be told to end, and with its
    /// output on standard error, since standard output is the client's.
    pub(super) fn server(command: &str, namespace: &Namespace) -> io::Result<Self> {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(command).process_group(0).stdin(Stdio::null());
        shell.stdout(io::stderr().as_fd().try_clone_to_owned()?);
        let child = spawn(&mut shell, namespace)?;
        let target = -(child.id() as i32);
        Ok(Self { child, target, status: None })
    }

    /// The client, in the relay's own group: it may read from the terminal, and Ctrl-C reaches it.
    pub(super) fn client(
        command: &[String],
        namespace: &Namespace,
        server: Option<&Self>,
    ) -> io::Result<Self> {
        let (program, arguments) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(program);
        command.args(arguments);
        if let Some(server) = server {
            command.env(SERVER_PID_VARIABLE, server.id().to_string());
        }
        let child = spawn(&mut command, namespace)?;
        let target = child.id() as i32;
        Ok(Self { child, target, status: None })
    }

    /// Its number.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it did.
    pub(super) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.status.is_none() {
            self.status = self.child.try_wait()?;
        }
        Ok(self.status)
    }

    /// Tells it to end by this signal; kills it after a while, or when another signal asks for the end of everything.
    pub(super) fn end(&mut self, signal: i32, grace: Duration, signals: &Signals) -> io::Result<ExitStatus> {
        let told = Instant::now();
        if self.ended()?.is_none() {
            sys::signal(self.target, signal);
        }
        while told.elapsed() < grace {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            if signals.wait(Duration::from_millis(20)).is_some() {
                break;
            }
        }
        self.kill()
    }

    fn kill(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.ended()? {
            return Ok(status);
        }
        sys::signal(self.target, libc::SIGKILL);
        let status = self.child.wait()?;
        self.status = Some(status);
        Ok(status)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nothing is left to be done about a child that can't be killed.
        let _ = self.kill();
    }
}

/// What a shell would say: the exit code, or 128 and the signal.
pub(super) fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

fn spawn(command: &mut Command, namespace: &Namespace) -> io::Result<Child> {
    command.env(SERVER_VARIABLE, SERVER.to_string());
    sys::confine(command, namespace.handle()?);
    command.spawn().map_err(|fault| {
        let program = command.get_program().to_string_lossy();
        io::Error::new(fault.kind(), format!("{program}: {fault}"))
    })
}
