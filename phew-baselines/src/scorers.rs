//! The scorers, one method a file, and the one table of the methods that they make.
//!
//! To add one, write its file and its entry here.

mod grasp;
mod magnitude;
mod ntk_sap;
mod px;
mod random;
mod snip;
mod synflow;

pub use grasp::{Grasp, GraspOrder};
pub use magnitude::Magnitude;
pub use ntk_sap::NtkSap;
pub use px::{Px, PxSaliency};
pub use random::Random;
pub use snip::Snip;
pub use synflow::{Saliency, SpatialSynFlow, SynFlow};

use std::sync::LazyLock;

use crate::method::Scored;
use crate::needs::Needs::{
    Gradients, HessianGradients, Nothing, OnesPass, PathActivations, Perturbations, Weights,
};
use crate::registry::{Entry, Registry};

const HUNDRED: &str = "exponential:100";
const FRANKLE: &str = "Frankle et al. 2021";
const DE_JORGE: &str = "de Jorge et al. 2021";
const SYNFLOW: &str = "Tanaka et al. 2020";
const SYNFLOW_L2: &str = "Gebhart et al. 2021";
const PX: &str = "Iurada et al. 2024";

const RANDOM: Scored = Scored::by(|asked| Ok(Box::new(Random { seed: asked.seed() })));
const SNIP: Scored = Scored::by(|asked| Ok(Box::new(Snip(asked.oracle()?))));

/// All methods that score.
const METHODS: &[Entry<Scored>] = &[
    Entry {
        name: "random",
        keeps: "uniformly random weights",
        needs: Nothing,
        paper: FRANKLE,
        build: RANDOM,
    },
    Entry {
        name: "random-uniform",
        keeps: "random, every layer alike",
        needs: Nothing,
        paper: FRANKLE,
        build: RANDOM.allocation("uniform"),
    },
    Entry {
        name: "random-er",
        keeps: "random, Erdős–Rényi densities",
        needs: Nothing,
        paper: "Mocanu et al. 2018",
        build: RANDOM.allocation("er"),
    },
    Entry {
        name: "random-erk",
        keeps: "random, Erdős–Rényi densities with kernels",
        needs: Nothing,
        paper: "Evci et al. 2020",
        build: RANDOM.allocation("erk"),
    },
    Entry {
        name: "random-igq",
        keeps: "random, ideal gas quotas",
        needs: Nothing,
        paper: "Vysogorets & Kempe 2023",
        build: RANDOM.allocation("igq"),
    },
    Entry {
        name: "magnitude",
        keeps: "the largest |w|",
        needs: Weights,
        paper: FRANKLE,
        build: Scored::by(|_| Ok(Box::new(Magnitude))),
    },
    Entry {
        name: "synflow",
        keeps: "|w|·∂R/∂|w|, R = Σ|π|",
        needs: Weights,
        paper: SYNFLOW,
        build: Scored::by(|_| Ok(Box::new(SynFlow::new(Saliency::L1))))
            .schedule(HUNDRED)
            .facts(&[("saliency", "|w| dR/d|w|")]),
    },
    Entry {
        name: "synflow-l2",
        keeps: "|w|·∂R/∂(w²), R = Σπ²: eq. (7)",
        needs: Weights,
        paper: SYNFLOW_L2,
        build: Scored::by(|_| Ok(Box::new(SynFlow::new(Saliency::L2))))
            .schedule(HUNDRED)
            .facts(&[("saliency", "|w| dR/d(w^2)")]),
    },
    Entry {
        name: "synflow-l2-conserved",
        keeps: "w²·∂R/∂(w²), R = Σπ²",
        needs: Weights,
        paper: SYNFLOW_L2,
        build: Scored::by(|_| Ok(Box::new(SynFlow::new(Saliency::L2Conserved))))
            .schedule(HUNDRED)
            .facts(&[("saliency", "w^2 dR/d(w^2)")]),
    },
    Entry {
        name: "synflow-spatial",
        keeps: "synflow by ones through the real layers",
        needs: OnesPass,
        paper: SYNFLOW,
        build: Scored::by(|asked| Ok(Box::new(SpatialSynFlow::new(asked.oracle()?, Saliency::L1))))
            .schedule(HUNDRED)
            .facts(&[("saliency", "|w| dR/d|w|")]),
    },
    Entry {
        name: "synflow-l2-spatial",
        keeps: "synflow-l2 by ones through the real layers",
        needs: OnesPass,
        paper: SYNFLOW_L2,
        build: Scored::by(|asked| Ok(Box::new(SpatialSynFlow::new(asked.oracle()?, Saliency::L2))))
            .schedule(HUNDRED)
            .facts(&[("saliency", "|w| dR/d(w^2)")]),
    },
    Entry {
        name: "snip",
        keeps: "|w·∂L/∂w|",
        needs: Gradients,
        paper: "Lee et al. 2019",
        build: SNIP,
    },
    Entry {
        name: "snip-iterative",
        keeps: "snip, step by step",
        needs: Gradients,
        paper: DE_JORGE,
        build: SNIP.schedule(HUNDRED),
    },
    Entry {
        name: "force",
        keeps: "snip, step by step, pruned weights may come back",
        needs: Gradients,
        paper: DE_JORGE,
        build: SNIP.schedule("exponential:60+revive"),
    },
    Entry {
        name: "grasp",
        keeps: "the highest w·(Hg)",
        needs: HessianGradients,
        paper: "Wang et al. 2020",
        build: Scored::by(|asked| Ok(Box::new(Grasp::requested(asked, GraspOrder::Highest)?)))
            .options(grasp::OPTIONS),
    },
    Entry {
        name: "grasp-inverted",
        keeps: "the lowest w·(Hg)",
        needs: HessianGradients,
        paper: FRANKLE,
        build: Scored::by(|asked| Ok(Box::new(Grasp::requested(asked, GraspOrder::Lowest)?)))
            .options(grasp::OPTIONS),
    },
    Entry {
        name: "grasp-magnitude",
        keeps: "the largest |w·(Hg)|",
        needs: HessianGradients,
        paper: FRANKLE,
        build: Scored::by(|asked| Ok(Box::new(Grasp::requested(asked, GraspOrder::Largest)?)))
            .options(grasp::OPTIONS),
    },
    Entry {
        name: "ntk-sap",
        keeps: "what the tangent kernel's trace depends on",
        needs: Perturbations,
        paper: "Wang et al. 2023",
        build: Scored::by(|asked| Ok(Box::new(NtkSap::requested(asked)?)))
            .schedule(HUNDRED)
            .options(ntk_sap::OPTIONS),
    },
    Entry {
        name: "px",
        keeps: "synflow-l2-conserved, outputs weighed by active paths",
        needs: PathActivations,
        paper: PX,
        build: Scored::by(|asked| Ok(Box::new(Px::new(asked.oracle()?, PxSaliency::Conserved))))
            .schedule(HUNDRED)
            .facts(&[("saliency", "w^2 dR/d(w^2)")]),
    },
    Entry {
        name: "px-program",
        keeps: "px with squared derivatives, as its program has it",
        needs: PathActivations,
        paper: PX,
        build: Scored::by(|asked| Ok(Box::new(Px::new(asked.oracle()?, PxSaliency::Program))))
            .schedule(HUNDRED)
            .facts(&[("saliency", "w^2 (dR/d(w^2))^2")]),
    },
];

/// All methods that score, in the order of a listing.
#[must_use]
pub fn methods() -> &'static Registry<Scored> {
    static REGISTRY: LazyLock<Registry<Scored>> =
        LazyLock::new(|| METHODS.iter().copied().collect());
    &REGISTRY
}
