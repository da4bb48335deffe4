//! Who links with whom.

use ringway_link::{Hello, HelloError, VersionRange};
use ringway_protocol::NodeId;

fn settle(ours: (u16, u16), theirs: (u16, u16)) -> Result<u16, HelloError> {
    let range = |(oldest, own)| VersionRange { oldest, own };
    range(ours).settle(range(theirs))
}

#[test]
fn neighbours_settle_on_the_older_version_and_others_are_refused() {
    use HelloError::{VersionTooNew, VersionTooOld};
    let table = [
        // ours (oldest, own), theirs, what we say
        ((1, 1), (1, 1), Ok(1)),
        ((1, 1), (1, 2), Ok(1)),
        ((1, 2), (1, 1), Ok(1)),
        ((1, 2), (1, 2), Ok(2)),
        ((2, 3), (1, 2), Ok(2)),
        ((1, 2), (2, 3), Ok(2)),
        // More than one apart, even if the ranges meet.
        ((1, 1), (1, 3), Err(VersionTooNew)),
        ((1, 3), (1, 1), Err(VersionTooOld)),
        ((1, 9), (1, 7), Err(VersionTooOld)),
        // Neighbours, but the newer forgot the older.
        ((2, 2), (1, 1), Err(VersionTooOld)),
        ((1, 1), (2, 2), Err(VersionTooNew)),
        ((u16::MAX, u16::MAX), (1, 1), Err(VersionTooOld)),
        ((1, 1), (u16::MAX, u16::MAX), Err(VersionTooNew)),
        ((1, u16::MAX - 1), (1, u16::MAX), Ok(u16::MAX - 1)),
    ];
    for (ours, theirs, expected) in table {
        assert_eq!(settle(ours, theirs), expected, "{ours:?} meets {theirs:?}");
    }
}

#[test]
fn both_ends_come_to_the_same_end() {
    for ours in (1..5).flat_map(|own| (1..=own).map(move |oldest| (oldest, own))) {
        for theirs in (1..5).flat_map(|own| (1..=own).map(move |oldest| (oldest, own))) {
            assert_eq!(settle(ours, theirs).ok(), settle(theirs, ours).ok(), "{ours:?} meets {theirs:?}");
        }
    }
}

fn hello(cluster: &str, node: u64, features: u64) -> Hello<'_> {
    let versions = VersionRange::OURS;
    Hello { versions, cluster, node: NodeId(node), incarnation: 1, shards: 2, features }
}

#[test]
fn nodes_of_one_cluster_link_with_the_features_of_both() {
    assert_eq!(hello("a", 1, 0b011).settle(&hello("a", 2, 0b110)), Ok((1, 0b010)));
}

#[test]
fn strangers_and_doubles_are_refused() {
    assert_eq!(hello("a", 1, 0).settle(&hello("b", 2, 0)), Err(HelloError::OtherCluster));
    assert_eq!(hello("a", 1, 0).settle(&hello("a", 1, 0)), Err(HelloError::SameNode));
}

#[test]
fn refusals_have_numbers_that_rise_and_texts_that_fit() {
    assert!(HelloError::ALL.windows(2).all(|pair| pair[0].number() < pair[1].number()));
    for error in HelloError::ALL {
        assert!(error.text().len() <= ringway_link::limit::TEXT_BYTES_MAX, "{error}");
    }
}
