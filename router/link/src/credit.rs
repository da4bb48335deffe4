//! Credit of one direction of one stream: the receiver says what it takes in all since the stream began, the sender
//! stops before that. Nobody waits for an answer: a shard whose link has no credit keeps its frames in its ring.
//!
//! A frame goes while any credit is left, so that one larger than the window can't stop the stream for ever; a receiver
//! holds at most its window and one frame. Words cost nothing, or a window could not be told. Credit is cumulative: of
//! two windows the larger holds, and one that was overtaken does no harm.

use core::fmt;

use crate::Window;

/// The sender's end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    window: Window,
    sent: Window,
}

impl Sent {
    /// Whether the next frame that costs credit may go.
    #[must_use]
    pub const fn may_send(&self) -> bool {
        self.sent.bytes < self.window.bytes && self.sent.frames < self.window.frames
    }

    /// Bytes of credit that are left; 0 when no frame may go. The last frame may be larger.
    #[must_use]
    pub const fn room(&self) -> u64 {
        if self.may_send() { self.window.bytes - self.sent.bytes } else { 0 }
    }

    /// A frame of so many bytes went.
    pub const fn handle_sent(&mut self, frame_bytes: usize) {
        self.sent.bytes = self.sent.bytes.saturating_add(frame_bytes as u64);
        self.sent.frames = self.sent.frames.saturating_add(1);
    }

    /// The receiver told a window.
    ///
    /// # Errors
    /// It is below an earlier one: streams keep order, so the peer is at fault.
    pub const fn handle_window(&mut self, window: Window) -> Result<(), WindowFell> {
        if window.bytes < self.window.bytes || window.frames < self.window.frames {
            return Err(WindowFell);
        }
        self.window = window;
        Ok(())
    }
}

/// The receiver's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// What may be on its way and in our hands at once.
    span: Window,
    /// What came.
    came: Window,
    /// What we are through with.
    taken: Window,
    told: Window,
}

impl Taken {
    /// An end that holds at most so many bytes and frames, and one frame more.
    ///
    /// # Panics
    /// Who takes nothing stops the stream for ever: both numbers are at least 1.
    #[must_use]
    pub const fn new(span: Window) -> Self {
        assert!(span.bytes > 0 && span.frames > 0, "a span of nothing");
        const NOTHING: Window = Window { bytes: 0, frames: 0 };
        Self { span, came: NOTHING, taken: NOTHING, told: NOTHING }
    }

    /// A frame of so many bytes came, and is held until it is taken.
    ///
    /// # Errors
    /// The peer had no credit left when it began the frame.
    pub const fn handle_came(&mut self, frame_bytes: usize) -> Result<(), BeyondCredit> {
        if self.came.bytes >= self.told.bytes || self.came.frames >= self.told.frames {
            return Err(BeyondCredit);
        }
        self.came.bytes = self.came.bytes.saturating_add(frame_bytes as u64);
        self.came.frames = self.came.frames.saturating_add(1);
        Ok(())
    }

    /// A frame of so many bytes was passed on and holds no memory here any more.
    pub const fn handle_taken(&mut self, frame_bytes: usize) {
        self.taken.bytes = self.taken.bytes.saturating_add(frame_bytes as u64);
        self.taken.frames = self.taken.frames.saturating_add(1);
    }

    /// The window to tell, if it grew by at least a quarter of the span: the first at once.
    #[must_use]
    pub fn poll_window(&mut self) -> Option<Window> {
        let window = Window {
            bytes: self.taken.bytes.saturating_add(self.span.bytes),
            frames: self.taken.frames.saturating_add(self.span.frames),
        };
        let grew = |new: u64, old: u64, span: u64| new > old && new - old >= span / 4;
        let due = grew(window.bytes, self.told.bytes, self.span.bytes)
            || grew(window.frames, self.told.frames, self.span.frames);
        due.then(|| {
            self.told = window;
            window
        })
    }
}

/// A window fell below an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowFell;

impl fmt::Display for WindowFell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the peer took back credit that it had given")
    }
}

impl core::error::Error for WindowFell {}

/// A frame came for which no credit was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BeyondCredit;

impl fmt::Display for BeyondCredit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the peer sent more than it was given credit for")
    }
}

impl core::error::Error for BeyondCredit {}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Window = Window { bytes: 1000, frames: 8 };

    #[test]
    fn nothing_goes_before_a_window_and_at_most_one_frame_beyond_it() {
        let mut sent = Sent::default();
        assert!(!sent.may_send());
        sent.handle_window(SPAN).unwrap();
        sent.handle_sent(999);
        assert_eq!((sent.may_send(), sent.room()), (true, 1));
        sent.handle_sent(5000);
        assert_eq!((sent.may_send(), sent.room()), (false, 0));
    }

    #[test]
    fn small_frames_are_bounded_by_their_number() {
        let mut sent = Sent::default();
        sent.handle_window(SPAN).unwrap();
        for _ in 0..8 {
            assert!(sent.may_send());
            sent.handle_sent(20);
        }
        assert!(!sent.may_send());
    }

    #[test]
    fn a_window_that_falls_is_refused() {
        let mut sent = Sent::default();
        sent.handle_window(SPAN).unwrap();
        sent.handle_window(SPAN).unwrap();
        assert_eq!(sent.handle_window(Window { bytes: 2000, frames: 7 }), Err(WindowFell));
    }

    #[test]
    fn who_sends_without_credit_is_noticed() {
        let mut taken = Taken::new(SPAN);
        assert_eq!(taken.handle_came(20), Err(BeyondCredit), "no window was told");
        assert_eq!(taken.poll_window(), Some(SPAN));
        taken.handle_came(999).unwrap();
        // One frame may go beyond the window, and no second one.
        taken.handle_came(5000).unwrap();
        assert_eq!(taken.handle_came(20), Err(BeyondCredit));

        let mut taken = Taken::new(SPAN);
        assert_eq!(taken.poll_window(), Some(SPAN));
        (0..8).for_each(|_| taken.handle_came(20).unwrap());
        assert_eq!(taken.handle_came(20), Err(BeyondCredit));
    }

    /// Whatever the sizes, the stream never stops for good and the receiver never holds more than its span and a frame.
    #[test]
    fn both_ends_together_never_stop_and_never_overflow() {
        for span in [SPAN, Window { bytes: 1, frames: 1 }, Window { bytes: 3, frames: 5 }] {
            let (mut sent, mut taken) = (Sent::default(), Taken::new(span));
            let mut held: Vec<usize> = Vec::new();
            let mut through = 0;
            let mut size = 20;
            while through < 500 {
                if let Some(window) = taken.poll_window() {
                    sent.handle_window(window).unwrap();
                }
                while sent.may_send() {
                    size = (size * 7 + 13) % 1500 + 20;
                    sent.handle_sent(size);
                    taken.handle_came(size).unwrap();
                    held.push(size);
                    let before_last = held.len() - 1;
                    assert!(held[..before_last].iter().sum::<usize>() < span.bytes as usize);
                    assert!(held.len() <= span.frames as usize);
                }
                assert!(!held.is_empty(), "the stream stopped");
                taken.handle_taken(held.remove(0));
                through += 1;
            }
        }
    }
}
