//! A shard that panics takes the process with it: its state can't be trusted, and sessions elsewhere rely on its rooms.
//! Release builds abort at the panic; here the same holds for every other profile. The panic's message names the
//! shard's thread.

/// Held by a shard's thread: when a panic unwinds through it, the process ends.
pub(crate) struct Fuse;

impl Drop for Fuse {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    const CHILD: &str = "RINGWAY_TEST_PANICS_IN_A_SHARD";

    #[test]
    fn a_panic_in_a_task_of_a_shard_ends_the_process_and_names_the_shard() {
        if std::env::var_os(CHILD).is_some() {
            let shard = std::thread::Builder::new().name("ringway-shard-7".to_owned()).spawn(|| {
                let _fuse = Fuse;
                crate::rt::run(crate::node::RuntimeKind::Epoll, || async {
                    crate::rt::spawn(async { panic!("a task panics") });
                    std::future::pending::<()>().await;
                })
            });
            let _ = shard.unwrap().join();
            return;
        }
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture"])
            .arg("shard::fuse::tests::a_panic_in_a_task_of_a_shard_ends_the_process_and_names_the_shard")
            .env(CHILD, "1")
            .output()
            .unwrap();
        assert_eq!(child.status.signal(), Some(libc::SIGABRT), "{child:?}");
        assert!(String::from_utf8_lossy(&child.stderr).contains("ringway-shard-7"), "{child:?}");
    }
}
