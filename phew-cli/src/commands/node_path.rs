//! `phew node-path`: effective nodes and paths of masks, layer by layer.

use std::path::PathBuf;

use clap::Args;
use phew_baselines::node_path;
use phew_graph::PathGraph;
use serde::Serialize;

use crate::args::{ArchArgs, load_mask};
use crate::failure::usage;
use crate::output::{json, table, text};

/// Measures how masks balance nodes and paths (node-path balancing, Pham et al. 2023).
///
/// Nodes are the units at either end that a layer's kept weights meet, over all units at both ends. Paths are those
/// that the kept weights carry on from the inputs, over the most that as many weights could carry.
#[derive(Debug, Args)]
pub(crate) struct NodePath {
    #[command(flatten)]
    arch: ArchArgs,

    /// Masks of the architecture
    #[arg(value_name = "MASK", required = true)]
    masks: Vec<PathBuf>,

    /// Weight of the nodes in the objective, α · nodes + (1 − α) · paths; 0.7 in the authors' program
    #[arg(long, value_name = "ALPHA", default_value_t = 0.7)]
    alpha: f64,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    arch: &'a str,
    alpha: f64,
    masks: Vec<Measured>,
}

#[derive(Serialize)]
struct Measured {
    mask: PathBuf,
    method: Option<String>,
    kept: usize,
    /// Means over the layers.
    nodes: f64,
    paths: f64,
    objective: f64,
    layers: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    nodes: f64,
    paths: f64,
    objective: f64,
}

impl NodePath {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        if !(0.0..=1.0).contains(&self.alpha) {
            return Err(usage(format!("--alpha is {}, expected a number from 0 to 1", self.alpha)));
        }
        let arch = self.arch.load()?;
        let graph = PathGraph::new(&arch);
        let mut masks = Vec::new();
        for path in &self.masks {
            let (mask, info) = load_mask(path, &arch)?;
            let layers = node_path(&mask, &graph)?.into_iter().map(|found| Row {
                nodes: found.nodes,
                paths: found.paths,
                objective: found.objective(self.alpha),
                name: found.tensor,
            });
            let layers: Vec<Row> = layers.collect();
            let mean =
                |of: fn(&Row) -> f64| layers.iter().map(of).sum::<f64>() / layers.len() as f64;
            masks.push(Measured {
                mask: path.clone(),
                method: info.map(|i| i.method),
                kept: mask.kept(),
                nodes: mean(|r| r.nodes),
                paths: mean(|r| r.paths),
                objective: mean(|r| r.objective),
                layers,
            });
        }
        let report = Report { arch: arch.name(), alpha: self.alpha, masks };
        if self.json { json(&report) } else { text(&report.text()) }
    }
}

impl Report<'_> {
    fn text(&self) -> String {
        let head = ["layer", "nodes", "paths", "objective"];
        let line = |name: &str, nodes: f64, paths: f64, objective: f64| {
            let numbers = [nodes, paths, objective].map(|x| format!("{x:.4}"));
            [vec![name.to_owned()], numbers.to_vec()].concat()
        };
        let mut out = String::new();
        for mask in &self.masks {
            let of = |r: &Row| line(&r.name, r.nodes, r.paths, r.objective);
            let mut rows: Vec<_> = mask.layers.iter().map(of).collect();
            rows.push(line("mean", mask.nodes, mask.paths, mask.objective));
            let method = mask.method.as_deref().unwrap_or("unknown method");
            out += &format!("{} ({method})\n{}\n", mask.mask.display(), table(&head, &rows, 1));
        }
        out
    }
}
