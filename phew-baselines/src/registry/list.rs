//! The list of all methods.

use super::{Extra, MethodInfo, Needs};

const fn info(
    name: &'static str,
    summary: &'static str,
    needs: Needs,
    paper: &'static str,
    schedule: &'static str,
    allocation: &'static str,
) -> MethodInfo {
    let extra = match needs {
        Needs::HessianGradients => Some(Extra::Hessian),
        Needs::Perturbations => Some(Extra::Perturbation),
        _ => None,
    };
    MethodInfo { name, summary, needs, paper, schedule, allocation, extra }
}

const ONCE: &str = "one-shot";
const HUNDRED: &str = "exponential:100";
const FRANKLE: &str = "Frankle et al. 2021";
const SYNFLOW: &str = "Tanaka et al. 2020";
const SYNFLOW_L2: &str = "Gebhart et al. 2021";

/// All methods.
pub(super) const METHODS: &[MethodInfo] = &[
    info("random", "uniformly random weights", Needs::Nothing, FRANKLE, ONCE, "global"),
    info("random-uniform", "random, every layer alike", Needs::Nothing, FRANKLE, ONCE, "uniform"),
    info(
        "random-er",
        "random, Erdős–Rényi densities",
        Needs::Nothing,
        "Mocanu et al. 2018",
        ONCE,
        "er",
    ),
    info(
        "random-erk",
        "random, Erdős–Rényi densities with kernels",
        Needs::Nothing,
        "Evci et al. 2020",
        ONCE,
        "erk",
    ),
    info(
        "random-igq",
        "random, ideal gas quotas",
        Needs::Nothing,
        "Vysogorets & Kempe 2023",
        ONCE,
        "igq",
    ),
    info("magnitude", "the largest |w|", Needs::Weights, FRANKLE, ONCE, "global"),
    info("synflow", "|w|·∂R/∂|w|, R = Σ|π|", Needs::Weights, SYNFLOW, HUNDRED, "global"),
    info(
        "synflow-l2",
        "|w|·∂R/∂(w²), R = Σπ²: eq. (7)",
        Needs::Weights,
        SYNFLOW_L2,
        HUNDRED,
        "global",
    ),
    info(
        "synflow-l2-conserved",
        "w²·∂R/∂(w²), R = Σπ²",
        Needs::Weights,
        SYNFLOW_L2,
        HUNDRED,
        "global",
    ),
    info(
        "synflow-spatial",
        "synflow by ones through the real layers",
        Needs::OnesPass,
        SYNFLOW,
        HUNDRED,
        "global",
    ),
    info(
        "synflow-l2-spatial",
        "synflow-l2 by ones through the real layers",
        Needs::OnesPass,
        SYNFLOW_L2,
        HUNDRED,
        "global",
    ),
    info("snip", "|w·∂L/∂w|", Needs::Gradients, "Lee et al. 2019", ONCE, "global"),
    info(
        "snip-iterative",
        "snip, step by step",
        Needs::Gradients,
        "de Jorge et al. 2021",
        HUNDRED,
        "global",
    ),
    info(
        "force",
        "snip, step by step, pruned weights may come back",
        Needs::Gradients,
        "de Jorge et al. 2021",
        "exponential:60+revive",
        "global",
    ),
    info(
        "grasp",
        "the highest w·(Hg)",
        Needs::HessianGradients,
        "Wang et al. 2020",
        ONCE,
        "global",
    ),
    info("grasp-inverted", "the lowest w·(Hg)", Needs::HessianGradients, FRANKLE, ONCE, "global"),
    info(
        "grasp-magnitude",
        "the largest |w·(Hg)|",
        Needs::HessianGradients,
        FRANKLE,
        ONCE,
        "global",
    ),
    info(
        "ntk-sap",
        "what the tangent kernel's trace depends on",
        Needs::Perturbations,
        "Wang et al. 2023",
        HUNDRED,
        "global",
    ),
    info(
        "px",
        "synflow-l2-conserved, outputs weighed by active paths",
        Needs::PathActivations,
        "Iurada et al. 2024",
        HUNDRED,
        "global",
    ),
    info(
        "px-program",
        "px with squared derivatives, as its program has it",
        Needs::PathActivations,
        "Iurada et al. 2024",
        HUNDRED,
        "global",
    ),
];
