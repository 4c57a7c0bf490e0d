//! `inspect --paths` and `--path-kernel`: every path by name, for small networks.

use clap::Args;
use phew_graph::TensorSpec;
use phew_metrics::{Analysis, MetricError, Path, Paths};
use serde::Serialize;

use crate::failure::usage;
use crate::output::table;

/// Columns of a matrix that a terminal has room for.
const COLUMNS: usize = 12;

/// Paths that are listed unless more are asked for.
const LIMIT: usize = 1_000;

/// Which explicit lists.
#[derive(Debug, Args)]
#[command(next_help_heading = "Metrics")]
pub(super) struct ExplicitArgs {
    /// Add the list of all kept paths, and the exact number of them through each weight (small networks)
    #[arg(long)]
    paths: bool,

    /// Add the path kernel as a matrix, with the paths of its rows (small networks)
    #[arg(long)]
    path_kernel: bool,

    /// Most paths that --paths and --path-kernel list; 1,000 by default
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

/// The paths, and what goes with them.
#[derive(Debug, Serialize)]
pub(super) struct Explicit {
    path_list: Vec<Row>,
    /// For each weight the number of paths through it.
    #[serde(skip_serializing_if = "Option::is_none")]
    weight_paths: Option<Vec<WeightPaths>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_kernel: Option<Vec<Vec<f64>>>,
}

#[derive(Debug, Serialize)]
struct Row {
    input: usize,
    output: usize,
    weights: Vec<Weight>,
    product: f64,
}

/// A weight by its tensor and its place there.
#[derive(Debug, Serialize)]
struct Weight {
    tensor: String,
    index: Vec<usize>,
}

#[derive(Debug, Serialize)]
struct WeightPaths {
    name: String,
    shape: Vec<usize>,
    /// Row-major.
    counts: Vec<u128>,
}

impl ExplicitArgs {
    pub(super) fn asked(&self) -> bool {
        self.paths || self.path_kernel
    }

    /// An option that says nothing by itself.
    pub(super) fn idle(&self) -> Option<&'static str> {
        self.limit.filter(|_| !self.asked()).map(|_| "--limit")
    }

    pub(super) fn list(&self, analysis: &Analysis<'_>) -> anyhow::Result<Option<Explicit>> {
        if !self.asked() {
            return Ok(None);
        }
        let limited = |e: MetricError| match e {
            MetricError::Limit { .. } => usage(format!("{e} (--limit raises it)")),
            other => other.into(),
        };
        let limit = self.limit.unwrap_or(LIMIT);
        let (paths, kernel) = if self.path_kernel {
            let (paths, kernel) = analysis.path_kernel(limit).map_err(limited)?;
            let row = |p: usize| (0..kernel.ncols()).map(|q| kernel[(p, q)]).collect();
            (paths, Some((0..kernel.nrows()).map(row).collect()))
        } else {
            (analysis.paths(limit).map_err(limited)?, None)
        };
        let specs = analysis.network().arch().prunable();
        let row = |p: &Path| Row {
            input: p.input,
            output: p.output,
            weights: p.weights.iter().map(|&(t, i)| Weight::new(&specs[t], i)).collect(),
            product: analysis.product(p),
        };
        let weight_paths =
            self.paths.then(|| analysis.edge_path_counts(Paths::Kept)).transpose()?;
        let named = |(spec, counts): (&TensorSpec, Vec<u128>)| WeightPaths {
            name: spec.name.clone(),
            shape: spec.shape.in_files(),
            counts: spec.shape.to_files(&counts).into_owned(),
        };
        Ok(Some(Explicit {
            path_list: paths.iter().map(row).collect(),
            weight_paths: weight_paths.map(|all| specs.iter().zip(all).map(named).collect()),
            path_kernel: kernel,
        }))
    }
}

impl Weight {
    /// A weight by its place in memory, with its index in files.
    fn new(spec: &TensorSpec, place: usize) -> Self {
        let mut rest = spec.shape.place_in_files(place);
        let sizes = spec.shape.in_files();
        let mut index: Vec<usize> = (sizes.iter().rev())
            .map(|&size| {
                let at = rest % size;
                rest /= size;
                at
            })
            .collect();
        index.reverse();
        Self { tensor: spec.name.clone(), index }
    }

    fn text(&self) -> String {
        let index: Vec<String> = self.index.iter().map(usize::to_string).collect();
        format!("{}[{}]", self.tensor, index.join(","))
    }
}

impl Explicit {
    pub(super) fn text(&self) -> String {
        let row = |(p, row): (usize, &Row)| {
            let weights: Vec<String> = row.weights.iter().map(Weight::text).collect();
            let through = weights.join(" ");
            let product = format!("{:.6e}", row.product);
            vec![p.to_string(), row.input.to_string(), row.output.to_string(), product, through]
        };
        let rows: Vec<Vec<String>> = self.path_list.iter().enumerate().map(row).collect();
        let mut out = format!("\n{}", table(&["path", "from", "to", "π", "weights"], &rows, 5));
        if let Some(tensors) = &self.weight_paths {
            let rows: Vec<Vec<String>> = tensors.iter().map(WeightPaths::row).collect();
            out += &format!("\n{}", table(&["paths through the weights of", ""], &rows, 2));
        }
        if let Some(kernel) = &self.path_kernel {
            out += "\npath kernel";
            if kernel.len() > COLUMNS {
                let n = kernel.len();
                return out + &format!(": {n}×{n}, too wide to show; --json has it\n");
            }
            let cells = |row: &Vec<f64>| row.iter().map(|v| format!("{v:.4e}")).collect();
            let rows: Vec<Vec<String>> = kernel.iter().map(cells).collect();
            let head: Vec<String> = (0..kernel.len()).map(|p| p.to_string()).collect();
            let head: Vec<&str> = head.iter().map(String::as_str).collect();
            out += &format!("\n{}", table(&head, &rows, 0));
        }
        out
    }
}

impl WeightPaths {
    fn row(&self) -> Vec<String> {
        let counts: Vec<String> = self.counts.iter().map(u128::to_string).collect();
        let rows: Vec<String> =
            counts.chunks(counts.len() / self.shape[0]).map(|r| r.join(" ")).collect();
        vec![self.name.clone(), rows.join(" | ")]
    }
}
