//! Hot paths one by one: in instructions, counted by callgrind, so that a shared machine's noise does not blur them, and in time, measured by criterion.
//!
//! A case is written once. It prepares what it needs and hands one closure to `Measure`; only what happens in there is measured, once for a
//! count and as often as criterion wants for a time. Instructions tell that a path has grown, not how long it takes; times tell that, on a quiet
//! machine.

mod baseline;
mod case;
mod count;
mod house;
mod measure;
mod runner;
mod time;

pub(crate) use count::{CaseOptions, Options as CountOptions, run as count, run_case};
pub use time::cargo_bench;
pub(crate) use time::{Options as TimeOptions, run as time};

use measure::Measure;

/// One hot path.
struct Case {
    name: &'static str,
    run: fn(&mut Measure<'_>),
}

impl Case {
    const fn new(name: &'static str, run: fn(&mut Measure<'_>)) -> Self {
        Self { name, run }
    }
}

/// The cases whose name contains the filter; all without one.
fn cases(filter: Option<&str>) -> impl Iterator<Item = &'static Case> {
    case::all().filter(move |case| filter.is_none_or(|filter| case.name.contains(filter)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_case_has_a_name_of_its_own() {
        let names: BTreeSet<_> = cases(None).map(|case| case.name).collect();
        assert_eq!(names.len(), cases(None).count());
    }

    /// Criterion calls them thousands of times: whatever a round uses up must be there again in the next.
    #[test]
    fn each_case_can_be_repeated() {
        for case in cases(None) {
            let mut rounds = measure::Rounds::new(5);
            (case.run)(&mut Measure::by(&mut rounds));
            assert!(rounds.operations() > 0, "{} does nothing", case.name);
        }
    }
}
