//! Width, dead and stub units of each layer, collapse and effective density of the whole.

use phew_graph::{Direction, LayerMask, Mask, Reach};
use serde::Serialize;

use super::degrees::{Degrees, by_layer, degrees};
use super::stub_units::met;
use crate::analysis::Analysis;

/// Shape of a network under its mask.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Structure {
    /// The layers of the path graph, the input first.
    pub layers: Vec<LayerStructure>,
    /// The prunable tensors.
    pub tensors: Vec<TensorStructure>,
    /// Prunable weights.
    pub prunable: usize,
    /// Weights kept.
    pub kept: usize,
    /// Kept weights on at least one surviving input-output path.
    pub effective: usize,
    /// Whether any input-output path survives.
    pub connected: bool,
}

/// One layer of units.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerStructure {
    /// Name of the operator whose output this is.
    pub name: String,
    /// Units of the unpruned layer.
    pub units: usize,
    /// Units on at least one surviving input-output path: the layer's width.
    pub alive: usize,
    /// Units with weights on one side and nothing on the other: those weights are wasted.
    ///
    /// A parameter-free connection counts as what lies behind it. An input that feeds nothing and an output
    /// that nothing feeds are stubs too (Patil & Dovrolis, ICLR 2021 submission, section 2).
    pub stubs: usize,
    /// Units with connections on neither side.
    pub isolated: usize,
    /// Kept weights into each unit.
    pub in_degree: Degrees,
    /// Kept weights out of each unit.
    pub out_degree: Degrees,
}

/// One prunable tensor.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TensorStructure {
    /// Name.
    pub name: String,
    /// Scalars.
    pub weights: usize,
    /// Scalars kept.
    pub kept: usize,
    /// Scalars kept that lie on a surviving path.
    pub effective: usize,
}

impl Structure {
    /// Kept over prunable.
    #[must_use]
    pub fn density(&self) -> f64 {
        self.kept as f64 / self.prunable as f64
    }

    /// Effective over prunable: the density that counts weights on a surviving path only.
    #[must_use]
    pub fn effective_density(&self) -> f64 {
        self.effective as f64 / self.prunable as f64
    }

    /// Share of the hidden units that no path passes (Frankle et al. 2021, section 4: neuron collapse).
    ///
    /// 0 for a network without hidden layers.
    #[must_use]
    pub fn neuron_collapse(&self) -> f64 {
        let hidden = &self.layers[1..self.layers.len() - 1];
        let units: usize = hidden.iter().map(|l| l.units).sum();
        let dead: usize = hidden.iter().map(|l| l.units - l.alive).sum();
        if units == 0 { 0.0 } else { dead as f64 / units as f64 }
    }

    /// Tensors of which nothing is kept while others keep weights: layer collapse (Tanaka et al. 2020).
    #[must_use]
    pub fn collapsed(&self) -> Vec<&str> {
        let any = self.kept > 0;
        let empty = self.tensors.iter().filter(|t| any && t.kept == 0);
        empty.map(|t| t.name.as_str()).collect()
    }

    /// Stub units of the hidden layers over their units; 0 for a network without hidden layers.
    #[must_use]
    pub fn hidden_stub_share(&self) -> f64 {
        let units: usize = self.layers[1..self.layers.len() - 1].iter().map(|l| l.units).sum();
        self.hidden_stubs() as f64 / units.max(1) as f64
    }

    /// Stub units of the hidden layers.
    #[must_use]
    pub fn hidden_stubs(&self) -> usize {
        self.layers[1..self.layers.len() - 1].iter().map(|l| l.stubs).sum()
    }
}

impl Analysis<'_> {
    /// Width, degrees and what is wasted, layer by layer.
    ///
    /// # Complexity
    /// A few passes over the mask.
    #[must_use]
    pub fn structure(&self) -> Structure {
        let dense;
        let mask = match self.mask {
            Some(mask) => mask,
            None => {
                dense = Mask::dense(self.network.arch());
                &dense
            }
        };
        let graph = &self.graph;
        let reach = Reach::of_mask(graph, mask);
        let effective = reach.effective(graph, mask);
        let degrees = degrees(graph, self.mask);
        let [fed, feeds] = Direction::BOTH.map(|way| met(graph, &degrees, way));
        let [into, out] = by_layer(graph, &degrees);
        let ends = Direction::BOTH.map(|way| graph.start(way));
        let layers = graph.layers().with_ids().zip(into.into_iter().zip(out));
        let layers = layers.map(|((l, layer), (into, out))| {
            let end = ends.contains(&l);
            let stub = |&u: &usize| {
                let wasted = (into[u] > 0 || end) && !feeds[l][u];
                wasted || ((out[u] > 0 || end) && !fed[l][u])
            };
            LayerStructure {
                name: layer.name.clone(),
                units: layer.units,
                alive: reach.units_alive(l),
                stubs: (0..into.len()).filter(stub).count(),
                isolated: (0..into.len()).filter(|&u| !fed[l][u] && !feeds[l][u]).count(),
                in_degree: Degrees::new(into),
                out_degree: Degrees::new(out),
            }
        });
        let tensor = |(kept, effective): (&LayerMask, &LayerMask)| TensorStructure {
            name: kept.name().to_owned(),
            weights: kept.len(),
            kept: kept.kept(),
            effective: effective.kept(),
        };
        Structure {
            layers: layers.collect(),
            tensors: mask.layers().iter().zip(effective.layers()).map(tensor).collect(),
            prunable: mask.len(),
            kept: mask.kept(),
            effective: effective.kept(),
            connected: reach.connected(),
        }
    }
}
