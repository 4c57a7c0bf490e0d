//! `phew archs`: the networks that phew knows by name.

use clap::Args;
use phew_graph::{Arch, Role, zoo};
use serde::Serialize;

use crate::args::NetworkArgs;
use crate::command::{Command, Example, Report};
use crate::failure::usage;
use crate::output::{grouped, listing};

/// List the networks of the zoo, or print one as TOML.
///
/// Without a name, all of them with the number of their parameters and of those that can be pruned. With a name, the
/// architecture as a list of operators: the file to start a network of one's own from, for --arch.
#[derive(Debug, Args)]
pub struct Archs {
    /// The network to print: a name of the zoo, or a TOML file
    #[arg(value_name = "NAME|FILE.toml")]
    name: Option<String>,

    #[command(flatten)]
    network: NetworkArgs,
}

/// Networks that phew knows by name.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum ArchsReport {
    /// All of them.
    List {
        /// In the order of the listing.
        networks: Vec<KnownNetwork>,
    },
    /// One of them.
    One {
        /// Its counts.
        #[serde(flatten)]
        counts: Counts,
        /// The whole architecture.
        toml: String,
    },
}

/// A network of the zoo, or one of a family.
#[derive(Clone, Debug, Serialize)]
pub struct KnownNetwork {
    /// The name of the network, or of the family with capital letters for numbers.
    pub pattern: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Of the network, or of one of the family.
    #[serde(flatten)]
    pub counts: Counts,
}

/// The size of an architecture.
#[derive(Clone, Debug, Serialize)]
pub struct Counts {
    /// Its name.
    pub name: String,
    /// Shape of an input.
    pub input: Vec<usize>,
    /// Shape of an output.
    pub output: Vec<usize>,
    /// All that training changes: weights, biases, scales and shifts of normalisations.
    pub parameters: usize,
    /// The weights of convolutions and linear layers, which are those that can be pruned.
    pub prunable: usize,
}

impl Counts {
    fn new(arch: &Arch) -> Self {
        let trained = |role: Role| !matches!(role, Role::RunningMean | Role::RunningVar);
        let others = arch.auxiliary().iter().filter(|tensor| trained(tensor.role));
        let prunable = arch.prunable_len();
        Self {
            name: arch.name().to_owned(),
            input: arch.input_shape().sizes(),
            output: arch.output_shape().sizes(),
            parameters: prunable + others.map(phew_graph::TensorSpec::len).sum::<usize>(),
            prunable,
        }
    }
}

impl Command for Archs {
    const NAME: &'static str = "archs";
    const EXAMPLES: &'static [Example] = &[
        ("all networks that phew knows by name", "phew archs"),
        (
            "a network of one's own, to change and to pass as --arch net.toml",
            "phew archs resnet20 --classes 100 > net.toml",
        ),
    ];
    type Report = ArchsReport;

    fn run(&self) -> anyhow::Result<ArchsReport> {
        if let Some(name) = &self.name {
            let arch = self.network.load(name)?;
            return Ok(ArchsReport::One { counts: Counts::new(&arch), toml: arch.to_toml() });
        }
        if let Some(option) = self.network.given() {
            return Err(usage(format!("{option} changes one network: which one?")));
        }
        let mut networks = Vec::new();
        for zoo::Known { name, example, about } in zoo::known() {
            let counts = Counts::new(&zoo::by_name(example)?.build()?);
            networks.push(KnownNetwork { pattern: name, about, counts });
        }
        Ok(ArchsReport::List { networks })
    }
}

impl Report for ArchsReport {
    fn is_prose(&self) -> bool {
        matches!(self, ArchsReport::List { .. })
    }

    fn text(&self) -> String {
        let networks = match self {
            ArchsReport::One { toml, .. } => return toml.clone(),
            ArchsReport::List { networks } => networks,
        };
        let row = |network: &KnownNetwork| {
            let KnownNetwork { pattern, about, counts } = network;
            let about = match counts.name == *pattern {
                true => (*about).to_owned(),
                false => format!("{pattern}: {about}"),
            };
            let input = counts.input.iter().map(usize::to_string).collect::<Vec<_>>().join("×");
            let (parameters, prunable) = (grouped(counts.parameters), grouped(counts.prunable));
            vec![counts.name.clone(), input, parameters, prunable, about]
        };
        let rows: Vec<Vec<String>> = networks.iter().map(row).collect();
        listing(&["network", "input", "parameters", "prunable", "what"], &rows, 1)
            + "\nphew archs NAME prints one as TOML; --classes and --input change it\n"
    }
}
