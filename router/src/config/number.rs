//! Numbers with a word for "find out yourself".

use super::raw::Raw;
use super::value::{Value, quoted};

/// A node's number, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct NodeChoice(pub Option<u64>);

impl Value for NodeChoice {
    fn read(raw: &Raw) -> Result<Self, String> {
        let number = match raw {
            Raw::Text(text) | Raw::Loose(text) if text == "auto" => return Ok(Self(None)),
            Raw::Integer(number) => u64::try_from(*number).ok(),
            // TOML's integers have 63 bits.
            Raw::Text(text) | Raw::Loose(text) => text.parse().ok(),
            _ => None,
        };
        number
            .map(|number| Self(Some(number)))
            .ok_or_else(|| "must be \"auto\" or a number of 64 bits".into())
    }

    fn show(&self) -> String {
        match self.0 {
            None => quoted("auto"),
            Some(number) if i64::try_from(number).is_ok() => number.to_string(),
            Some(number) => quoted(&number.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_64_bits_reads_back() {
        for number in [0, 3, i64::MAX as u64, u64::MAX] {
            let choice = NodeChoice(Some(number));
            let table: toml::Table = format!("node = {}", choice.show()).parse().unwrap();
            let raw = match &table["node"] {
                toml::Value::Integer(number) => Raw::Integer(*number),
                other => Raw::Text(other.as_str().unwrap().into()),
            };
            assert_eq!(NodeChoice::read(&raw), Ok(choice));
        }
        assert_eq!(NodeChoice::read(&Raw::Text("auto".into())), Ok(NodeChoice(None)));
        for wrong in [
            Raw::Integer(-1),
            Raw::Text("18446744073709551616".into()),
            Raw::Text(String::new()),
            Raw::Boolean(true),
        ] {
            assert!(NodeChoice::read(&wrong).is_err(), "{wrong}");
        }
    }
}
