//! The service's systemd unit: what it says of limits counts more than the shell in which somebody looks.

use super::{Host, Process};

/// Where the drop-in of ours is, below the root.
pub(crate) const DROP_IN: &str = "etc/systemd/system/ringway.service.d/90-ringway.conf";

const PLACES: [&str; 4] =
    ["etc/systemd/system", "run/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"];

impl Host {
    /// Whether a unit `ringway.service` is installed.
    pub(crate) fn has_unit(&self) -> bool {
        self.unit().is_some()
    }

    /// Whether it is, and nobody named the process to look at.
    pub(crate) fn looks_at_unit(&self) -> bool {
        self.process == Process::Ours && self.has_unit()
    }

    /// What the unit and its drop-ins say of a setting: the last one counts. Empty where they are silent.
    pub(crate) fn unit_setting(&self, name: &str) -> String {
        let mut texts: Vec<String> = self.unit().into_iter().collect();
        // The same name in a place of more weight hides the other; that subtlety is systemd's, order by weight is enough to read limits.
        for place in PLACES.iter().rev() {
            let folder = format!("{place}/ringway.service.d");
            let files = self.names(&folder).into_iter().filter(|name| name.ends_with(".conf"));
            texts.extend(files.filter_map(|file| self.text(&format!("{folder}/{file}"))));
        }
        let lines = texts.iter().flat_map(|text| text.lines());
        let mut values =
            lines.filter_map(|line| line.trim().strip_prefix(name)?.trim_start().strip_prefix('='));
        values.next_back().unwrap_or_default().trim().to_owned()
    }

    fn unit(&self) -> Option<String> {
        PLACES.iter().find_map(|place| self.text(&format!("{place}/ringway.service")))
    }
}

/// A limit as systemd writes it (`SOFT:HARD`, `infinity`, `8M`): its hard part; `None` is unlimited.
#[expect(clippy::option_option, reason = "nonsense and unlimited are different")]
pub(crate) fn hard_limit(text: &str) -> Option<Option<u64>> {
    let hard = text.rsplit(':').next()?.trim();
    if hard == "infinity" {
        return Some(None);
    }
    let (number, unit) = match hard.char_indices().next_back()? {
        (last, 'K') => (&hard[..last], 1 << 10),
        (last, 'M') => (&hard[..last], 1 << 20),
        (last, 'G') => (&hard[..last], 1 << 30),
        (last, 'T') => (&hard[..last], 1 << 40),
        _ => (hard, 1_u64),
    };
    number.parse::<u64>().ok()?.checked_mul(unit).map(Some)
}

#[cfg(test)]
mod tests {
    use super::hard_limit;

    #[test]
    fn limits_of_units_are_read() {
        assert_eq!(hard_limit("1024:262144"), Some(Some(262_144)));
        assert_eq!(hard_limit("infinity"), Some(None));
        assert_eq!(hard_limit("8M"), Some(Some(8 << 20)));
        for nonsense in ["", "many", "99999999999999999999", "99999999999T", "ü"] {
            assert_eq!(hard_limit(nonsense), None, "{nonsense}");
        }
    }
}
