//! What a scenario and one driver share: wishes one way, where the client stands the other. Client view.

use std::cell::{Cell, RefCell};
use std::task::{Context, Poll, Waker};

use ringway_client::Outlet;
use ringway_protocol::session::client::Publication;

use super::mailbox::{Draft, Letter, Mailbox};
use crate::engine::{Lost, Standing};

/// One client's.
#[derive(Default)]
pub(super) struct Seat {
    mailbox: RefCell<Mailbox>,
    /// Of the driver's task.
    driver: Cell<Option<Waker>>,
    /// What comes in order is not read.
    deaf: Cell<bool>,
    /// Of the driver's task, while it would read.
    reader: Cell<Option<Waker>>,
    standing: Cell<Standing>,
    lost: Cell<Lost>,
    /// Bytes that the connection has not taken.
    waiting_bytes: Cell<usize>,
}

/// The scenario's side.
impl Seat {
    /// False when there is no session, or too much waits.
    pub(super) fn publish(&self, what: &Publication<'_>) -> bool {
        let taken = self.standing.get().is_ready && self.mailbox.borrow_mut().publish(what);
        if taken {
            self.wake_driver();
        }
        taken
    }

    pub(super) fn post(&self, letter: Letter) {
        self.mailbox.borrow_mut().post(letter);
        self.wake_driver();
    }

    pub(super) fn read(&self, read: bool) {
        self.deaf.set(!read);
        if let Some(reader) = self.reader.take().filter(|_| read) {
            reader.wake();
        }
    }

    pub(super) fn standing(&self) -> Standing {
        let mut standing = self.standing.get();
        standing.outstanding += self.mailbox.borrow().len() as u32;
        standing
    }

    pub(super) const fn lost(&self) -> Lost {
        self.lost.get()
    }

    pub(super) fn waiting_bytes(&self) -> usize {
        self.waiting_bytes.get() + self.mailbox.borrow().bytes()
    }

    /// Nothing waits for the driver's next pass.
    pub(super) fn is_empty(&self) -> bool {
        self.mailbox.borrow().len() == 0
    }

    fn wake_driver(&self) {
        if let Some(driver) = self.driver.take() {
            driver.wake();
        }
    }
}

/// The driver's side.
impl Seat {
    pub(super) fn take(&self) -> Option<Letter> {
        self.mailbox.borrow_mut().take()
    }

    pub(super) fn put_back(&self, draft: Box<Draft>) {
        self.mailbox.borrow_mut().put_back(draft);
    }

    pub(super) fn drop_publications(&self) -> usize {
        self.mailbox.borrow_mut().drop_publications()
    }

    /// Whom to wake for letters.
    pub(super) fn attend(&self, context: &Context<'_>) {
        let held = self.driver.take().filter(|held| held.will_wake(context.waker()));
        self.driver.set(Some(held.unwrap_or_else(|| context.waker().clone())));
    }

    pub(super) fn poll_read(&self, context: &Context<'_>) -> Poll<()> {
        if self.deaf.get() {
            self.reader.set(Some(context.waker().clone()));
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    /// Where the client stands now.
    pub(super) fn note(&self, outlet: &Outlet) {
        self.standing.set(Standing::of(outlet.client()));
        let lost = outlet.lost();
        self.lost.set(Lost { overtaken: lost.stale, replaced: lost.replaced + lost.dropped });
        self.waiting_bytes.set(outlet.waiting_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    use std::task::Wake;

    use super::*;

    struct Count(AtomicU32);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    #[test]
    fn a_letter_wakes_the_driver_and_reading_again_the_reader() {
        let count = Arc::new(Count(AtomicU32::new(0)));
        let waker = Waker::from(Arc::clone(&count));
        let context = Context::from_waker(&waker);
        let seat = Seat::default();
        seat.attend(&context);
        seat.post(Letter::Disconnect);
        seat.post(Letter::Leave);
        assert_eq!((count.0.load(Relaxed), seat.standing().outstanding), (1, 2));
        assert_eq!(seat.poll_read(&context), Poll::Ready(()));
        seat.read(false);
        assert_eq!(seat.poll_read(&context), Poll::Pending);
        seat.read(true);
        assert_eq!(count.0.load(Relaxed), 2);
        assert_eq!(seat.poll_read(&context), Poll::Ready(()));
    }
}
