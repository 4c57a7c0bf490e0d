//! Seeds: one, or several as numbers and ranges.

use std::ops::RangeInclusive;

/// Some of the seeds of a command line: one, or a range as in 0-9.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seeds(RangeInclusive<u64>);

/// Most seeds that one command takes.
const MOST: u64 = 1_000_000;

/// Reads a number or a range.
pub(crate) fn seeds(text: &str) -> Result<Seeds, String> {
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let range = match text.split_once('-') {
        Some((first, last)) => number(first).zip(number(last)),
        None => number(text).map(|seed| (seed, seed)),
    };
    match range {
        Some((first, last)) if last < first => Err(format!("expected {last}-{first}")),
        Some((first, last)) if last - first >= MOST => {
            Err(format!("expected at most {MOST} seeds"))
        }
        Some((first, last)) => Ok(Seeds(first..=last)),
        None => Err("expected seeds as in 3, 0-9 or 0-4,7".to_owned()),
    }
}

/// All of them, each once, in ascending order.
pub(crate) fn all(parts: &[Seeds]) -> Vec<u64> {
    let mut seeds: Vec<u64> = parts.iter().flat_map(|part| part.0.clone()).collect();
    seeds.sort_unstable();
    seeds.dedup();
    seeds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_ranges_give_each_seed_once_in_order() {
        let parts = ["7", "0-3", "2", "9-9"].map(|text| seeds(text).unwrap());
        assert_eq!(all(&parts), [0, 1, 2, 3, 7, 9]);
    }

    #[test]
    fn what_is_no_seed_is_refused_with_what_was_expected() {
        for (text, part) in [
            ("a", "as in"),
            ("-3", "as in"),
            ("5-2", "2-5"),
            ("0-99999999", "at most"),
            ("", "as in"),
        ] {
            assert!(seeds(text).unwrap_err().contains(part), "{text}");
        }
    }
}
