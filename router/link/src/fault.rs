//! Why a frame was refused: a number, a name, the field and where it stands.

use core::fmt;

macro_rules! faults {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $name:literal, $text:literal;)*) => {
        /// What is wrong with a frame. A peer that sends such a frame does not speak the protocol: the link ends.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Fault {
            $(#[doc = $text] $variant = $number,)*
        }

        impl Fault {
            /// All, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The number, as a `goodbye` tells it.
            #[must_use]
            pub const fn number(self) -> u16 {
                self as u16
            }

            /// The name, for logs and metrics.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// One sentence for people.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }
    };
}

faults! {
    TooLarge = 100, "too_large", "The frame is larger than this end takes.";
    TooShort = 101, "too_short", "The length counts less than a frame's head.";
    BadLength = 102, "bad_length", "The length is not that of the frame's bytes.";
    Cut = 103, "cut", "The frame ends within a field.";
    Trailing = 104, "trailing", "Bytes follow the frame's last field.";
    UnknownKind = 105, "unknown_kind", "The kind of frame is not known and must not be skipped.";
    UnknownFlag = 106, "unknown_flag", "A flag is set that this kind does not have.";
    BadAddress = 107, "bad_address", "The head names a shard, a term, a room or a number that this frame can't have.";
    BadValue = 108, "bad_value", "The value is not one of those that the field can have.";
    BadText = 109, "bad_text", "The text is not UTF-8, or has characters that the field can't have.";
    TooLong = 110, "too_long", "The field is longer than it may be.";
    TooMany = 111, "too_many", "The list has more items than it may have, or than its bytes can hold.";
    BadMagic = 112, "bad_magic", "The peer does not speak this protocol at all.";
    WindowFell = 113, "window_fell", "The peer took back credit that it had given.";
    BeyondCredit = 114, "beyond_credit", "The peer sent more than it was given credit for.";
    OutOfTurn = 115, "out_of_turn", "The frame may not be said now.";
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.number(), self.name())
    }
}

/// A frame of the peer that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// What is wrong.
    pub fault: Fault,
    /// The field at fault.
    pub field: &'static str,
    /// Where that field begins, counted from the frame's first byte.
    pub offset: usize,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fault, field, offset } = self;
        write!(formatter, "{fault}: {field} at byte {offset}: {}", fault.text())
    }
}

impl core::error::Error for DecodeError {}

/// A frame that can't be written: a value is beyond what the peer would take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodeError {
    /// What is wrong.
    pub fault: Fault,
    /// The field at fault.
    pub field: &'static str,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}: {}", self.fault, self.field, self.fault.text())
    }
}

impl core::error::Error for EncodeError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_rise_and_names_are_unique() {
        assert!(Fault::ALL.windows(2).all(|pair| pair[0].number() < pair[1].number()));
        let mut names: Vec<_> = Fault::ALL.iter().map(|fault| fault.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Fault::ALL.len());
    }
}
