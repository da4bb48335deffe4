//! A page of history: what it may hold, and what of it is still to come.

use ringway_protocol::command::HistoryFrom;
use ringway_protocol::{Epoch, limit};

use super::View;
use crate::encoder::{Page, Record};
use crate::model::{Ledger, Way};

/// A page of history that is coming.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coming {
    pub(super) epoch: Epoch,
    pub(super) next: u64,
    pub(super) left: u32,
}

impl View {
    /// `history`: a page begins.
    ///
    /// # Errors
    /// When it is not the page that was asked for.
    pub fn begin_page(
        &mut self,
        ledger: &Ledger,
        record: &Record,
        page: &Page,
        from: HistoryFrom,
        asked: u32,
        way: Way,
    ) -> Result<(), String> {
        let most = u64::from(asked.clamp(1, limit::HISTORY_PAGE_MAX));
        let replay = u64::from(page.replay);
        let Some(span) = ledger.spans.get(&record.serial).copied().flatten() else {
            return if replay == 0 && !page.more {
                Ok(())
            } else {
                Err(format!("a page of no room: {page:?}"))
            };
        };
        let end = span.last.0 + 1;
        // First offset of the page, offsets there are that way, whether there are more than told.
        let (next, there, more) = match from {
            HistoryFrom::After(after) => {
                let start = after.0.saturating_add(1).max(span.first.0);
                (start, end.saturating_sub(start), start + replay < end)
            }
            HistoryFrom::Before(before) => {
                let end = before.0.min(end);
                let start = end.saturating_sub(replay);
                (start, end.saturating_sub(span.first.0), replay > 0 && start > span.first.0)
            }
        };
        let fits = replay == there.min(most) || (replay > 0 && replay < there.min(most));
        if page.epoch != span.epoch || !fits || (page.more != more && replay > 0) {
            return Err(format!("{page:?} answers {from:?} at most {most}, where history is {span:?}"));
        }
        self.pages.remove(&way);
        if replay > 0 {
            self.pages.insert(way, Coming { epoch: page.epoch, next, left: page.replay });
        }
        Ok(())
    }
}
