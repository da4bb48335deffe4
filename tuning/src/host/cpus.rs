//! Sets of CPUs as the kernel writes them: lists (`0-3,8`) and masks (`ff,00000001`).

use std::fmt;

/// More CPUs than any kernel is built for: what names a higher one is nonsense.
const CPU_MAX: u32 = 8_192;

/// A set of CPUs, in rising order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CpuSet(Vec<u32>);

impl CpuSet {
    /// Reads a list like `0-3,8,10-11`; an empty text is the empty set, nonsense is `None`.
    #[must_use]
    pub fn from_list(list: &str) -> Option<Self> {
        let list = list.trim();
        if list.is_empty() {
            return Some(Self::default());
        }
        let mut cpus = Vec::new();
        for part in list.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
            if first > last || last >= CPU_MAX {
                return None;
            }
            cpus.extend(first..=last);
            // A list that repeats itself may not grow without bound.
            if cpus.len() > CPU_MAX as usize {
                return None;
            }
        }
        Some(cpus.into_iter().collect())
    }

    /// Reads a mask of 32-bit words in hexadecimal, the highest first, as in `rps_cpus`.
    #[must_use]
    pub fn from_mask(mask: &str) -> Option<Self> {
        let mut cpus = Vec::new();
        for (word, text) in mask.trim().rsplit(',').enumerate() {
            let base = u32::try_from(word).ok()?.checked_mul(32)?;
            let bits = u32::from_str_radix(text, 16).ok()?;
            if base >= CPU_MAX {
                return None;
            }
            cpus.extend((0..32).filter(|bit| bits & (1 << bit) != 0).map(|bit| base + bit));
        }
        Some(Self(cpus))
    }

    /// The CPUs in rising order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().copied()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a CPU is among them.
    #[must_use]
    pub fn contains(&self, cpu: u32) -> bool {
        self.0.binary_search(&cpu).is_ok()
    }

    /// Those that are in both sets.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        self.iter().filter(|cpu| other.contains(*cpu)).collect()
    }

    /// Those that are not in the other set.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        self.iter().filter(|cpu| !other.contains(*cpu)).collect()
    }

    /// The first so many.
    #[must_use]
    pub fn first(&self, count: usize) -> Self {
        self.iter().take(count).collect()
    }

    /// As a mask of 32-bit words, the highest first.
    #[must_use]
    pub fn mask(&self) -> String {
        let words = self.0.last().map_or(1, |last| last / 32 + 1);
        let word = |number: u32| {
            self.iter().filter(|cpu| cpu / 32 == number).fold(0_u32, |bits, cpu| bits | 1 << (cpu % 32))
        };
        let mut text = format!("{:x}", word(words - 1));
        for number in (0..words - 1).rev() {
            text.push_str(&format!(",{:08x}", word(number)));
        }
        text
    }
}

impl FromIterator<u32> for CpuSet {
    fn from_iter<I: IntoIterator<Item = u32>>(cpus: I) -> Self {
        let mut cpus: Vec<u32> = cpus.into_iter().collect();
        cpus.sort_unstable();
        cpus.dedup();
        Self(cpus)
    }
}

impl fmt::Display for CpuSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = &self.0[..];
        let mut comma = "";
        while let [first, ..] = *rest {
            let run = rest.iter().zip(first..).take_while(|(cpu, wanted)| *cpu == wanted).count();
            match run {
                1 => write!(formatter, "{comma}{first}")?,
                _ => write!(formatter, "{comma}{first}-{}", rest[run - 1])?,
            }
            comma = ",";
            rest = &rest[run..];
        }
        if comma.is_empty() { formatter.write_str("none") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> CpuSet {
        CpuSet::from_list(text).expect("a list")
    }

    #[test]
    fn lists_are_read_and_written() {
        assert_eq!(list("0-3,8,10-11").len(), 7);
        assert_eq!(list("8,0-3,11,10").to_string(), "0-3,8,10-11");
        assert_eq!(list("\n").to_string(), "none");
        for nonsense in ["3-1", "all", "0-4294967295", "0,,1", "-1", &"0-8191,".repeat(3)] {
            assert_eq!(CpuSet::from_list(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn masks_are_read_and_written() {
        assert_eq!(CpuSet::from_mask("00000000,00000000"), Some(CpuSet::default()));
        assert_eq!(CpuSet::from_mask("1,0000000f").expect("a mask").to_string(), "0-3,32");
        assert_eq!(list("0-3,32").mask(), "1,0000000f");
        assert_eq!(CpuSet::default().mask(), "0");
        assert_eq!(CpuSet::from_mask("zebra"), None);
        assert_eq!(CpuSet::from_mask(&"f,".repeat(100_000)), None);
    }
}
