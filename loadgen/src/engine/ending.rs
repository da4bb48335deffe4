//! Why a connection ended, in the same words for every transport. Connection view.

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It never came to be; why.
    NotOpened(String),
    /// The server sent a close frame.
    Closed {
        /// Its code, if it had one.
        code: Option<u16>,
        /// Its text.
        reason: String,
    },
    /// The connection broke, or was closed without a close frame.
    Broken(String),
    /// This side ended it.
    Ended,
}

impl Ending {
    /// The close code that the server gave.
    #[must_use]
    pub const fn code(&self) -> Option<u16> {
        match self {
            Self::Closed { code, .. } => *code,
            _ => None,
        }
    }

    /// In the words of a driver.
    pub(crate) fn of(ending: &ringway_client::Ending) -> Self {
        match ending {
            ringway_client::Ending::NotConnected(fault) => Self::NotOpened(fault.to_string()),
            ringway_client::Ending::Closed { code, reason } => {
                Self::Closed { code: Some(*code), reason: reason.to_string() }
            }
            ringway_client::Ending::Lost(reason) => Self::Broken(reason.to_string()),
            ringway_client::Ending::Left => Self::Ended,
        }
    }
}
