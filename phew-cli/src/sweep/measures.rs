//! What can be measured of a cell, and which command does it.

use anyhow::anyhow;

/// Something that a plan can ask for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Measure {
    /// Its name in a plan.
    pub(crate) name: &'static str,
    /// What it is called among the jobs of a cell; one job serves all measures of a role.
    pub(crate) role: &'static str,
    /// The command.
    pub(crate) tool: &'static str,
    /// Words that stand behind the command.
    pub(crate) words: &'static [&'static str],
    /// Options of it.
    pub(crate) options: &'static [(&'static str, Option<u64>)],
    /// Which of the numbers of the report are kept: those whose names begin so.
    pub(crate) keeps: &'static [&'static str],
}

/// Of the theory's numbers, those whose names begin so.
const fn theory(name: &'static str, keeps: &'static [&'static str]) -> Measure {
    let options = &[("metrics", None)];
    Measure { name, role: "theory", tool: "inspect", words: &[], options, keeps }
}

const fn inspect(
    name: &'static str,
    options: &'static [(&'static str, Option<u64>)],
    keeps: &'static [&'static str],
) -> Measure {
    Measure { name, role: name, tool: "inspect", words: &[], options, keeps }
}

/// Of what needs no weights.
const fn layers(name: &'static str, keeps: &'static [&'static str]) -> Measure {
    Measure { role: "layers", ..inspect(name, &[], keeps) }
}

/// The numbers of layers, and those of the whole mask beside them.
const LAYERS: &[&str] =
    &["layers", "kept", "prunable", "density", "effective", "dead_units", "inputs", "outputs"];

const fn on_data(name: &'static str, words: &'static [&'static str]) -> Measure {
    Measure { name, role: name, tool: "measure", words, options: &[], keeps: &[""] }
}

/// Of the loss's gradient.
const fn gradient(name: &'static str, keeps: &'static [&'static str]) -> Measure {
    Measure { role: "gradient", keeps, ..on_data(name, &["gradient"]) }
}

const fn training(name: &'static str, keeps: &'static [&'static str]) -> Measure {
    Measure { name, role: "train", tool: "train", words: &[], options: &[], keeps }
}

/// The table.
pub(crate) const MEASURES: [Measure; 23] = [
    layers("widths", LAYERS),
    layers("layer-densities", LAYERS),
    layers("neuron-sparsity", &["neurons"]),
    theory("path-kernel-trace", &["path_kernel_trace", "ln_path_kernel_trace"]),
    theory("paths", &["paths", "ln_paths", "mean_path"]),
    theory("objectives", &["ln_synflow"]),
    theory(
        "structure",
        &["structure", "hidden_stub", "any_hidden_stub", "stub_law", "neuron_collapse"],
    ),
    theory("flops", &["flops", "sparse_flops", "cost"]),
    theory("walks", &["walks"]),
    theory("spectral-gaps", &["network_gap", "gaps"]),
    inspect("isometry", &[("isometry", None)], &["isometry"]),
    inspect("linear-jacobian", &[("jacobian", None)], &["jacobian"]),
    inspect("spectrum", &[("spectrum", Some(10))], &["spectrum"]),
    inspect("spectral-density", &[("spectral-density", None)], &["spectral_density"]),
    Measure { role: "jaccard", tool: "compare", ..inspect("jaccard", &[], &[""]) },
    gradient(
        "gradient-norm",
        &["gradient_", "initial_loss", "dense.gradient_", "dense.initial_loss"],
    ),
    gradient("connection-sensitivity", &["sensitivity", "dense.sensitivity"]),
    on_data("tangent-kernel", &["kernel"]),
    on_data("jacobian", &["jacobian"]),
    training("accuracy", &[""]),
    training("curves", &["curve"]),
    Measure { tool: "recipe", words: &["--dry-run"], ..inspect("recipe", &[], &["recipe"]) },
    Measure { tool: "examples", ..inspect("examples", &[], &[]) },
];

/// The one of a name.
///
/// # Errors
/// If there is none: the error lists what there is.
pub(crate) fn measure(name: &str) -> anyhow::Result<&'static Measure> {
    MEASURES.iter().find(|measure| measure.name == name).ok_or_else(|| {
        let known = MEASURES.map(|measure| measure.name).join(", ");
        anyhow!("measure: found `{name}`, expected one of {known}")
    })
}
