//! Something between a client and its server that lets packets through or not, or leads elsewhere.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a thread of the gate may take to notice that it is to end.
const LOOK: Duration = Duration::from_millis(20);

/// A gate for one client.
pub(super) struct Gate {
    pub(super) address: SocketAddr,
    back: Arc<UdpSocket>,
    shut: Arc<AtomicBool>,
    loses: Arc<AtomicU32>,
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Gate {
    pub(super) fn before(server: SocketAddr) -> Self {
        let socket = || {
            let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
            socket.set_read_timeout(Some(LOOK)).unwrap();
            socket
        };
        let (front, back) = (Arc::new(socket()), Arc::new(socket()));
        back.connect(server).unwrap();
        let address = front.local_addr().unwrap();
        let (shut, over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let loses = Arc::new(AtomicU32::new(0));
        let client = Arc::new(std::sync::OnceLock::new());
        let inwards = {
            let (front, back, client) = (Arc::clone(&front), Arc::clone(&back), Arc::clone(&client));
            let (shut, over) = (Arc::clone(&shut), Arc::clone(&over));
            std::thread::spawn(move || {
                let mut bytes = [0; 65_536];
                while !over.load(Ordering::Relaxed) {
                    let Ok((count, from)) = front.recv_from(&mut bytes) else { continue };
                    client.get_or_init(|| from);
                    if !shut.load(Ordering::Relaxed) {
                        let _ = back.send(&bytes[..count]);
                    }
                }
            })
        };
        let outwards = {
            let (back, over, loses) = (Arc::clone(&back), Arc::clone(&over), Arc::clone(&loses));
            std::thread::spawn(move || {
                let mut bytes = [0; 65_536];
                let mut passed = 0_u32;
                while !over.load(Ordering::Relaxed) {
                    let Ok(count) = back.recv(&mut bytes) else { continue };
                    passed = passed.wrapping_add(1);
                    let lost = passed.checked_rem(loses.load(Ordering::Relaxed)) == Some(0);
                    if let Some(client) = client.get().filter(|_| !lost) {
                        let _ = front.send_to(&bytes[..count], client);
                    }
                }
            })
        };
        Self { address, back, shut, loses, over, threads: vec![inwards, outwards] }
    }

    /// From now on the server hears nothing of the client.
    pub(super) fn shut(&self) {
        self.shut.store(true, Ordering::Relaxed);
    }

    /// From now on every so manieth packet of the server is lost.
    pub(super) fn lose(&self, every: u32) {
        self.loses.store(every, Ordering::Relaxed);
    }

    /// From now on the client speaks to another server.
    pub(super) fn lead_to(&self, server: SocketAddr) {
        self.back.connect(server).unwrap();
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.threads.drain(..).for_each(|thread| drop(thread.join()));
    }
}
