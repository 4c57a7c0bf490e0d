//! `phew node-path`: effective nodes and paths of masks, layer by layer.

use std::path::PathBuf;

use clap::Args;
use phew_baselines::node_path;
use phew_graph::PathGraph;
use serde::Serialize;

use crate::args::{ArchArgs, load_mask};
use crate::command::{Command, Example, Report};
use crate::failure::usage;
use crate::output::table;

/// Measure how masks balance nodes and paths.
///
/// Node-path balancing (Pham et al. 2023): nodes are the units at either end that a layer's kept weights meet, over all units at both ends. Paths are those
/// that the kept weights carry on from the inputs, over the most that as many weights could carry.
#[derive(Debug, Args)]
pub struct NodePath {
    #[command(flatten)]
    arch: ArchArgs,

    /// Masks of the architecture
    #[arg(value_name = "MASK", required = true)]
    masks: Vec<PathBuf>,

    /// Weight of the nodes in the objective, α · nodes + (1 − α) · paths; 0.7 in the authors' program
    #[arg(long, value_name = "ALPHA", default_value_t = 0.7, help_heading = "Objective")]
    alpha: f64,
}

/// The balance of masks of one architecture.
#[derive(Clone, Debug, Serialize)]
pub struct NodePathReport {
    /// Name of the architecture.
    pub arch: String,
    /// Weight of the nodes in the objective.
    pub alpha: f64,
    /// The masks, as they were named.
    pub masks: Vec<BalanceOfMask>,
}

/// The balance of one mask.
#[derive(Clone, Debug, Serialize)]
pub struct BalanceOfMask {
    /// Its file.
    pub mask: PathBuf,
    /// The method that made it, where the file says so.
    pub method: Option<String>,
    /// Weights kept.
    pub kept: usize,
    /// Effective nodes, a share; the mean over the layers.
    pub nodes: f64,
    /// Effective paths, a share; the mean over the layers.
    pub paths: f64,
    /// α · nodes + (1 − α) · paths; the mean over the layers.
    pub objective: f64,
    /// The prunable tensors.
    pub layers: Vec<BalanceOfLayer>,
}

/// The balance of one tensor.
#[derive(Clone, Debug, Serialize)]
pub struct BalanceOfLayer {
    /// Its name.
    pub name: String,
    /// Effective nodes, a share.
    pub nodes: f64,
    /// Effective paths, a share.
    pub paths: f64,
    /// α · nodes + (1 − α) · paths.
    pub objective: f64,
}

impl Command for NodePath {
    const NAME: &'static str = "node-path";
    const EXAMPLES: &'static [Example] = &[
        ("nodes and paths of a mask", "phew node-path --arch lenet-5 m.safetensors"),
        (
            "of two, paths alone in the objective",
            "phew node-path --arch lenet-5 --alpha 0 m.safetensors other.safetensors",
        ),
    ];
    type Report = NodePathReport;

    fn run(&self) -> anyhow::Result<NodePathReport> {
        if !(0.0..=1.0).contains(&self.alpha) {
            return Err(usage(format!("--alpha is {}, expected a number from 0 to 1", self.alpha)));
        }
        let arch = self.arch.load()?;
        let graph = PathGraph::new(&arch);
        let mut masks = Vec::new();
        for path in &self.masks {
            let (mask, info) = load_mask(path, &arch)?;
            let layers = node_path(&mask, &graph)?.into_iter().map(|found| BalanceOfLayer {
                nodes: found.nodes,
                paths: found.paths,
                objective: found.objective(self.alpha),
                name: found.tensor,
            });
            let layers: Vec<BalanceOfLayer> = layers.collect();
            let mean = |of: fn(&BalanceOfLayer) -> f64| {
                layers.iter().map(of).sum::<f64>() / layers.len() as f64
            };
            masks.push(BalanceOfMask {
                mask: path.clone(),
                method: info.and_then(|i| i.method),
                kept: mask.kept(),
                nodes: mean(|r| r.nodes),
                paths: mean(|r| r.paths),
                objective: mean(|r| r.objective),
                layers,
            });
        }
        Ok(NodePathReport { arch: arch.name().to_owned(), alpha: self.alpha, masks })
    }
}

impl Report for NodePathReport {
    fn text(&self) -> String {
        let head = ["layer", "nodes", "paths", "objective"];
        let line = |name: &str, nodes: f64, paths: f64, objective: f64| {
            let numbers = [nodes, paths, objective].map(|x| format!("{x:.4}"));
            [vec![name.to_owned()], numbers.to_vec()].concat()
        };
        let mut out = String::new();
        for mask in &self.masks {
            let of = |r: &BalanceOfLayer| line(&r.name, r.nodes, r.paths, r.objective);
            let mut rows: Vec<_> = mask.layers.iter().map(of).collect();
            rows.push(line("mean", mask.nodes, mask.paths, mask.objective));
            let method = mask.method.as_deref().unwrap_or("unknown method");
            out += &format!("{} ({method})\n{}\n", mask.mask.display(), table(&head, &rows, 1));
        }
        out
    }
}
