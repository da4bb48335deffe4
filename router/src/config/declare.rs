//! How a section of the configuration is declared: each key once, with its text, type, default, bounds, and whether a
//! reload changes it (`hot`) or only a restart (`cold`).
//!
//! Reading, `config show`, the commented reference file and the reload's report all come from these declarations, so
//! that none of them can disagree.

use super::raw::Raw;

/// What is known of a key.
#[derive(Debug)]
pub struct Key {
    /// Its name in the section.
    pub name: &'static str,
    /// Lines for people.
    pub docs: &'static [&'static str],
    /// Whether a reload changes it; otherwise a restart does.
    pub hot: bool,
}

/// A section's values behind their names.
pub trait Section {
    /// The keys in the order of their declaration.
    fn keys(&self) -> &'static [Key];

    /// What the section is about.
    fn docs(&self) -> &'static [&'static str];

    /// Reads a key's value. The key must be one of [`Section::keys`].
    ///
    /// # Errors
    /// What the value must be instead.
    fn set(&mut self, key: &str, raw: &Raw) -> Result<(), String>;

    /// A key's value as it stands in TOML.
    fn show(&self, key: &str) -> String;
}

macro_rules! section {
    (
        $(#[doc = $doc:literal])+
        $name:ident {
            $($(#[doc = $text:literal])+ $temper:ident $key:ident: $type:ty = $default:expr $(, in $range:expr)?;)+
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $($(#[doc = $text])+ pub $key: $type,)+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($key: $default,)+ }
            }
        }

        impl $crate::config::declare::Section for $name {
            fn keys(&self) -> &'static [$crate::config::declare::Key] {
                const { &[$($crate::config::declare::Key {
                    name: stringify!($key),
                    docs: &[$($text),+],
                    hot: $crate::config::declare::section!(@$temper),
                }),+] }
            }

            fn docs(&self) -> &'static [&'static str] {
                &[$($doc),+]
            }

            fn set(&mut self, key: &str, raw: &$crate::config::raw::Raw) -> Result<(), String> {
                match key {
                    $(stringify!($key) => {
                        let value = <$type as $crate::config::value::Value>::read(raw)?;
                        $($crate::config::value::within(&value, &$range)?;)?
                        self.$key = value;
                    })+
                    _ => unreachable!("the caller looked the key up"),
                }
                Ok(())
            }

            fn show(&self, key: &str) -> String {
                match key {
                    $(stringify!($key) => $crate::config::value::Value::show(&self.$key),)+
                    _ => unreachable!("the caller looked the key up"),
                }
            }
        }
    };
    (@hot) => { true };
    (@cold) => { false };
}

pub(crate) use section;
