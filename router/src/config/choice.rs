//! Values that are one word out of a few.

use ringway_core::settings::{Admission, KeyScope, Overflow, PresenceMode, SenderMode};

use super::raw::Raw;
use super::value::{Value, quoted};
use crate::node::Congestion;

/// How shards wait for the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// io_uring where the kernel lets us, else epoll with one warning.
    Auto,
    /// io_uring or exit.
    IoUring,
    /// epoll.
    Epoll,
}

/// How frames reach the sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// The measured winner.
    Auto,
    /// One `send` per session.
    Send,
    /// All sends of a turn in one submission.
    Ring,
}

/// Whether clients speak TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// With the certificate of `tls.certificate_file`.
    On,
    /// In clear: something before Ringway ends TLS, or nothing does.
    Off,
    /// With a certificate made at start, that browsers don't trust; `--dev` only.
    SelfSigned,
}

/// Where nodes agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoordinatorKind {
    /// Nowhere: there is one.
    None,
    /// In etcd.
    Etcd,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Human on a terminal, JSON otherwise.
    Auto,
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

macro_rules! words {
    ($($type:ident { $($variant:ident = $word:literal),* })*) => {$(
        impl Value for $type {
            fn read(raw: &Raw) -> Result<Self, String> {
                let word = match raw {
                    Raw::Text(text) | Raw::Loose(text) => text.as_str(),
                    Raw::Boolean(true) => "on",
                    Raw::Boolean(false) => "off",
                    _ => "",
                };
                match word {
                    $($word => Ok(Self::$variant),)*
                    _ => {
                        let words = [$($word),*];
                        let meant = super::suggest::nearest(word, words).map(|word| format!(": did you mean \"{word}\"?"));
                        Err(format!("must be one of {}{}", words.map(quoted).join(", "), meant.unwrap_or_default()))
                    }
                }
            }

            fn show(&self) -> String {
                match self {
                    $(Self::$variant => quoted($word),)*
                }
            }
        }
    )*};
}

words! {
    Runtime { Auto = "auto", IoUring = "io_uring", Epoll = "epoll" }
    Flush { Auto = "auto", Send = "send", Ring = "ring" }
    TlsMode { On = "on", Off = "off", SelfSigned = "self-signed" }
    CoordinatorKind { None = "none", Etcd = "etcd" }
    LogFormat { Auto = "auto", Human = "human", Json = "json" }
    Admission { Anyone = "anyone", Users = "users", Granted = "granted" }
    PresenceMode { Off = "off", Count = "count", List = "list" }
    Overflow { Close = "close", DropOldest = "drop_oldest" }
    KeyScope { User = "user", Room = "room" }
    Congestion { Fresh = "fresh", Cubic = "cubic", Bbr = "bbr" }
    SenderMode { User = "user", Session = "session" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_mistyped_gets_the_nearest_one() {
        let fault = Runtime::read(&Raw::Text("iouring".into())).unwrap_err();
        assert_eq!(fault, r#"must be one of "auto", "io_uring", "epoll": did you mean "io_uring"?"#);
    }

    #[test]
    fn off_may_be_written_without_quotes() {
        assert_eq!(TlsMode::read(&Raw::Boolean(false)), Ok(TlsMode::Off));
        assert_eq!(PresenceMode::read(&Raw::Boolean(false)), Ok(PresenceMode::Off));
    }
}
