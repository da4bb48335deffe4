//! A value as it was written and the place it was written at, before anything is known about its key.

use std::fmt;
use std::path::PathBuf;

/// A value as written.
#[derive(Clone, Debug, PartialEq)]
pub enum Raw {
    /// A TOML string.
    Text(String),
    /// A TOML integer.
    Integer(i64),
    /// A TOML boolean.
    Boolean(bool),
    /// A TOML array.
    List(Vec<Raw>),
    /// Something no key takes: a float, a date, a table; its name.
    Other(&'static str),
    /// Text of a flag or an environment variable: may stand for any type.
    Loose(String),
}

impl fmt::Display for Raw {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) | Self::Loose(text) => write!(formatter, "{text:?}"),
            Self::Integer(number) => write!(formatter, "{number}"),
            Self::Boolean(value) => write!(formatter, "{value}"),
            Self::List(items) => {
                formatter.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(formatter, "{comma}{item}")?;
                }
                formatter.write_str("]")
            }
            Self::Other(name) => write!(formatter, "a {name}"),
        }
    }
}

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody wrote it.
    Default,
    /// The development mode's profile.
    Dev,
    /// A configuration file.
    File {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// An environment variable.
    Environment {
        /// Its name.
        name: String,
    },
    /// A flag of the command line.
    Flag {
        /// As typed, without its value.
        name: &'static str,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::Dev => formatter.write_str("--dev"),
            Self::File { path, line } => write!(formatter, "{}:{line}", path.display()),
            Self::Environment { name } => formatter.write_str(name),
            Self::Flag { name } => formatter.write_str(name),
        }
    }
}

/// The name of a key: `section.key`, or `namespaces.NAME.key`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyPath {
    /// `clients`, or `namespaces.chat`.
    pub section: String,
    /// The key in it.
    pub key: String,
}

impl KeyPath {
    /// A key of a section.
    pub fn new(section: impl Into<String>, key: impl Into<String>) -> Self {
        Self { section: section.into(), key: key.into() }
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.section, self.key)
    }
}

/// One key's value from one place.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// Which key.
    pub path: KeyPath,
    /// What.
    pub raw: Raw,
    /// From where.
    pub origin: Origin,
}

/// Something the operator must mend: one line that says where, what and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where it was written; `None`: it concerns the configuration as a whole.
    pub origin: Option<Origin>,
    /// What is wrong and how to mend it.
    pub what: String,
}

impl Fault {
    /// A fault of what was written there.
    pub fn at(origin: &Origin, what: impl Into<String>) -> Self {
        Self { origin: Some(origin.clone()), what: what.into() }
    }

    /// A fault of the whole.
    pub fn whole(what: impl Into<String>) -> Self {
        Self { origin: None, what: what.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Some(origin) => write!(formatter, "{origin}: {}", self.what),
            None => formatter.write_str(&self.what),
        }
    }
}
