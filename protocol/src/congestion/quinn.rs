//! The window as `quinn` and `quinn-proto` want it.

#![expect(clippy::disallowed_types, reason = "moments are given as `Instant`; none is read here")]

use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use quinn_proto::RttEstimator;
use quinn_proto::congestion::{Controller, ControllerFactory, ControllerMetrics};

use super::Window;
use crate::time::Monotonic;

/// Makes a [`Window`] for each path.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fresh;

impl ControllerFactory for Fresh {
    fn build(self: Arc<Self>, now: Instant, mtu: u16) -> Box<dyn Controller> {
        Box::new(Path { origin: now, mtu, window: Window::new(Monotonic(0), mtu) })
    }
}

/// One path.
#[derive(Clone)]
struct Path {
    origin: Instant,
    mtu: u16,
    window: Window,
}

/// What [`Fresh`] knows of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes that may be in flight.
    pub window: u64,
    /// Bytes that are.
    pub in_flight: u64,
    /// What the path was seen to deliver.
    pub bytes_per_s: u64,
}

impl Room {
    /// Bytes that may leave now.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.window.saturating_sub(self.in_flight)
    }
}

/// Asks a controller made by [`Fresh`].
#[must_use]
pub fn room(controller: &dyn Controller) -> Room {
    let metrics = controller.metrics();
    Room {
        window: metrics.congestion_window,
        in_flight: metrics.ssthresh.unwrap_or(0),
        bytes_per_s: metrics.pacing_rate.unwrap_or(0) / 8,
    }
}

impl Path {
    fn at(&self, moment: Instant) -> Monotonic {
        Monotonic(moment.saturating_duration_since(self.origin).as_micros() as u64)
    }
}

impl Controller for Path {
    fn on_sent(&mut self, now: Instant, bytes: u64, _last_packet_number: u64) {
        self.window.handle_sent(self.at(now), bytes);
    }

    fn on_ack(&mut self, now: Instant, sent: Instant, bytes: u64, app_limited: bool, rtt: &RttEstimator) {
        let (now, sent) = (self.at(now), self.at(sent));
        self.window.handle_ack(now, sent, bytes, !app_limited, rtt.get().as_micros() as u64);
    }

    fn on_end_acks(&mut self, now: Instant, in_flight: u64, _app_limited: bool, _largest: Option<u64>) {
        self.window.handle_acks_end(self.at(now), in_flight);
    }

    fn on_congestion_event(&mut self, now: Instant, sent: Instant, is_persistent: bool, lost_bytes: u64) {
        self.window.handle_loss(self.at(now), self.at(sent), lost_bytes, is_persistent);
    }

    fn on_mtu_update(&mut self, mtu: u16) {
        self.mtu = mtu;
        self.window.handle_packet_bytes(mtu);
    }

    fn window(&self) -> u64 {
        self.window.bytes()
    }

    /// The trait has no word for what is in flight, which travels as `ssthresh`: read it with [`room`].
    fn metrics(&self) -> ControllerMetrics {
        let mut metrics = ControllerMetrics::default();
        metrics.congestion_window = self.window.bytes();
        metrics.ssthresh = Some(self.window.in_flight());
        metrics.pacing_rate = Some(self.window.bytes_per_s() * 8);
        metrics
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }

    fn initial_window(&self) -> u64 {
        Window::new(Monotonic(0), self.mtu).bytes()
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}
