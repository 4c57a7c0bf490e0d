//! The one table of all methods: walks, sets of paths, and what `phew-baselines` scores.
//!
//! `prune`, `--list-methods` and `train --prune` know no others. A method of the command's own is an entry here; a
//! scorer is an entry of `phew-baselines`.

use std::sync::LazyLock;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use phew_baselines::{Entry, Needs, Registry, Scored, methods as scored_methods};
use phew_walk::Order;

use super::oracle::usual_oracle;

/// A method of the table.
pub(crate) type Method = Entry<Build>;

/// How a method makes a mask.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Build {
    /// By random walks, until a density or several are reached.
    Walks,
    /// By a set of paths without chance.
    Paths(PathSet),
    /// By scores, an allocation and a schedule.
    Scores(Scored),
}

/// Sets of paths without chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathSet {
    /// The first in an order of products over their weights: so many, or until a density is reached.
    Ranked(Order, RankedBy),
    /// One for each input and output, by the largest weight at each step.
    Greedy,
}

impl PathSet {
    /// What the products of its paths are taken over.
    pub(crate) fn ranked_by(self) -> RankedBy {
        match self {
            PathSet::Ranked(_, by) => by,
            PathSet::Greedy => RankedBy::Weight,
        }
    }
}

/// What the product that ranks a path is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RankedBy {
    /// |w|.
    Weight,
    /// |∂L/∂w|.
    Gradient,
}

impl Build {
    /// Whether such a method keeps what a density asks for.
    #[cfg(feature = "train")]
    pub(crate) fn takes_density(&self) -> bool {
        !matches!(self, Build::Paths(PathSet::Greedy))
    }
}

/// The method that `prune` takes by default.
pub(crate) const DEFAULT: &str = "phew";

const ICLR_TEXT: &str = "Patil & Dovrolis 2020 (ICLR text)";

/// The methods that are none of `phew-baselines`.
const OWN: [Method; 5] = [
    Entry {
        name: DEFAULT,
        keeps: "random walks biased towards large |w|",
        needs: Needs::Weights,
        paper: "Patil & Dovrolis 2021",
        build: Build::Walks,
    },
    Entry {
        name: "top-paths",
        keeps: "the paths of greatest edge-weight product",
        needs: Needs::Weights,
        paper: ICLR_TEXT,
        build: Build::Paths(PathSet::Ranked(Order::Greatest, RankedBy::Weight)),
    },
    Entry {
        name: "bottom-paths",
        keeps: "the paths of least edge-weight product",
        needs: Needs::Weights,
        paper: ICLR_TEXT,
        build: Build::Paths(PathSet::Ranked(Order::Least, RankedBy::Weight)),
    },
    Entry {
        name: "gradient-paths",
        keeps: "the paths of greatest product of |∂L/∂w|",
        needs: Needs::Gradients,
        paper: ICLR_TEXT,
        build: Build::Paths(PathSet::Ranked(Order::Greatest, RankedBy::Gradient)),
    },
    Entry {
        name: "greedy-paths",
        keeps: "from every input and output, the path of largest weights",
        needs: Needs::Weights,
        paper: ICLR_TEXT,
        build: Build::Paths(PathSet::Greedy),
    },
];

/// All methods, in the order of a listing.
pub(crate) fn methods() -> &'static Registry<Build> {
    static REGISTRY: LazyLock<Registry<Build>> = LazyLock::new(|| {
        let scored = scored_methods().iter().map(|entry| entry.map(Build::Scores));
        OWN.into_iter().chain(scored).collect()
    });
    &REGISTRY
}

/// Reads the name of one of the methods for which `among` holds.
pub(crate) fn by_name(
    among: fn(&Method) -> bool,
) -> impl TypedValueParser<Value = &'static Method> {
    let names = methods().iter().filter(|method| among(method)).map(|method| method.name);
    PossibleValuesParser::new(names).try_map(|name| methods().find(&name))
}

/// Whether this build answers what such a method asks an oracle.
pub(crate) fn served(needs: Needs) -> bool {
    usual_oracle().answers(needs)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_methods_have_one_name_and_every_scored_one_is_there() {
        let names: BTreeSet<&str> = methods().iter().map(|method| method.name).collect();
        assert_eq!(names.len(), methods().iter().len());
        assert_eq!(names.len(), OWN.len() + scored_methods().iter().len());
    }
}
