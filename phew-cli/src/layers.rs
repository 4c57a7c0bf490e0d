//! What a mask leaves of each layer, for `prune` and `inspect`.

use phew_graph::{ConnectionId, Direction, Kind, LayerMask, Mask, PathGraph, Reach};
use serde::Serialize;

use crate::output::{grouped, percent, table};

/// One prunable tensor under a mask.
#[derive(Clone, Debug, Serialize)]
pub struct LayerRow {
    /// Name of the tensor.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Weights kept.
    pub kept: usize,
    /// Weights in all.
    pub total: usize,
    /// Output units that a surviving path enters through this tensor.
    pub units_alive: usize,
    /// Output units in all.
    pub units: usize,
}

/// A mask's layers, and what of it lies on paths.
pub(crate) struct Layers {
    pub(crate) rows: Vec<LayerRow>,
    /// Weights kept that lie on a surviving path.
    pub(crate) effective: usize,
    /// Input units that a surviving path leaves, and all of them.
    pub(crate) inputs: (usize, usize),
    /// Output units that a surviving path enters, and all of them.
    pub(crate) outputs: (usize, usize),
    /// Units that weights lead to and a surviving path passes, and all of them: where several tensors add up, each
    /// unit counts once.
    pub(crate) units: (usize, usize),
}

impl Layers {
    pub(crate) fn new(graph: &PathGraph, mask: &Mask) -> Self {
        let reach = Reach::of_mask(graph, mask);
        let effective = reach.effective(graph, mask);
        let row = |(layer, effective): (&LayerMask, &LayerMask)| {
            let units = layer.shape()[0];
            let mut alive = vec![false; units];
            effective.iter().for_each(|i| alive[i / (layer.len() / units)] = true);
            LayerRow {
                name: layer.name().to_owned(),
                shape: layer.shape().in_files(),
                kept: layer.kept(),
                total: layer.len(),
                units_alive: alive.iter().filter(|&&a| a).count(),
                units,
            }
        };
        let rows = mask.layers().iter().zip(effective.layers()).map(row).collect();
        let [inputs, outputs] = Direction::BOTH.map(|direction| {
            let layer = graph.start(direction);
            (reach.units_alive(layer), graph[layer].units)
        });
        let weighted = |&c: &ConnectionId| matches!(graph[c].kind, Kind::Weighted(_));
        let led_to = || {
            let layers = graph.layers().with_ids();
            layers.filter(|(_, layer)| layer.incoming.iter().any(weighted))
        };
        Self {
            rows,
            effective: effective.kept(),
            inputs,
            outputs,
            units: (
                led_to().map(|(layer, _)| reach.units_alive(layer)).sum(),
                led_to().map(|(_, layer)| layer.units).sum(),
            ),
        }
    }

    /// Units that weights lead to and no surviving path passes.
    pub(crate) fn dead_units(&self) -> usize {
        self.units.1 - self.units.0
    }

    /// The table for people.
    pub(crate) fn table(&self) -> String {
        layer_table(&self.rows)
    }
}

/// The layers as a table for people.
pub(crate) fn layer_table(layers: &[LayerRow]) -> String {
    let head = ["layer", "shape", "kept", "of", "density", "units alive", "of"];
    let rows = layers.iter().map(|r| {
        let shape = r.shape.iter().map(usize::to_string).collect::<Vec<_>>().join("×");
        let density = percent(r.kept as f64 / r.total as f64);
        let (kept, total) = (grouped(r.kept), grouped(r.total));
        let (alive, units) = (grouped(r.units_alive), grouped(r.units));
        vec![r.name.clone(), shape, kept, total, density, alive, units]
    });
    table(&head, &rows.collect::<Vec<_>>(), 2)
}

/// A line about operators whose paths the papers do not define; nothing if there is none.
pub(crate) fn beyond_the_papers(extensions: &[String]) -> String {
    match extensions {
        [] => String::new(),
        _ => format!(
            "paths through {} are defined by phew, beyond the papers (docs/operators.md)\n",
            extensions.join(" and ")
        ),
    }
}
