//! Number of input-output paths, and of those through each weight.

use phew_graph::{
    ByLayer, ByTensor, Direction, Edges, Ends, NonZero, One, Semiring, Step, TensorId, Weighted,
};

use super::natural::Natural;
use crate::analysis::Analysis;
use crate::error::MetricError;

/// Which paths count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Paths {
    /// Those of the architecture, whatever the mask.
    All,
    /// Those that keep all their weights.
    #[default]
    Kept,
    /// Those that keep all their weights, none of which is 0.
    Effective,
}

impl Analysis<'_> {
    /// Exact number of input-output paths, if 128 bits hold it.
    ///
    /// # Errors
    /// [`MetricError::Overflow`] if they do not: [`Analysis::exact_path_count`] has no greatest number.
    ///
    /// # Complexity
    /// As there.
    pub fn path_count(&self, paths: Paths) -> Result<u128, MetricError> {
        self.exact_path_count(paths).to_u128().ok_or(MetricError::Overflow)
    }

    /// Exact number of input-output paths, however large.
    ///
    /// Scalars of one kernel are parallel edges, so a 3×3 kernel makes nine paths of one.
    ///
    /// # Examples
    /// ```
    /// use phew_graph::{Init, Network, zoo};
    /// use phew_metrics::{Analysis, Paths};
    ///
    /// let network = Network::initialise(zoo::mlp(&[1000; 15]).build()?, Init::default(), 0)?;
    /// let paths = Analysis::new(&network, None)?.exact_path_count(Paths::All);
    /// assert_eq!(paths.to_string(), format!("1{}", "0".repeat(45)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Complexity
    /// O(weights) time, O(units) space, each times the length of the number.
    #[must_use]
    pub fn exact_path_count(&self, paths: Paths) -> Natural {
        let units = self.graph[self.graph.start(Direction::Forward)].units;
        let mut semiring = Naturals { analysis: self, paths };
        let start = vec![Natural::from(1); units];
        let layers = self.graph.sweep(Direction::Forward, &mut semiring, start);
        let mut total = Natural::default();
        layers.last().into_iter().flatten().for_each(|paths| total.add_times(paths, 1));
        total
    }

    /// Natural logarithm of the number of input-output paths; `-inf` if there is none.
    ///
    /// # Complexity
    /// One pass over the weights.
    #[must_use]
    pub fn ln_path_count(&self, paths: Paths) -> f64 {
        match paths {
            Paths::All => self.graph.ln_total(&Edges::structure()),
            Paths::Kept => self.graph.ln_total(&self.edges(One)),
            Paths::Effective => self.graph.ln_total(&self.edges(NonZero)),
        }
    }

    /// Exact number of paths through each scalar of each prunable tensor, row-major. A path that passes a tied weight twice
    /// counts twice.
    ///
    /// For networks beyond 128 bits use [`Analysis::path_shares`].
    ///
    /// # Errors
    /// [`MetricError::Overflow`] beyond 128 bits.
    ///
    /// # Complexity
    /// O(weights) time and memory.
    pub fn edge_path_counts(&self, paths: Paths) -> Result<ByTensor<Vec<u128>>, MetricError> {
        let forward = self.counts(paths, Direction::Forward)?;
        let backward = self.counts(paths, Direction::Reverse)?;
        let of = |tensor: TensorId| {
            let uses: Vec<Ends> = self.graph.uses(tensor).collect();
            let count = |index: usize| {
                if !self.counted(paths, tensor, index) {
                    return Ok(0);
                }
                let add = |sum: u128, ends: &Ends| {
                    let (i, j) = ends.shape.ends(index);
                    sum.checked_add(forward[ends.source][i].checked_mul(backward[ends.target][j])?)
                };
                uses.iter().try_fold(0, add).ok_or(MetricError::Overflow)
            };
            (0..self.graph.shape(tensor).len()).map(count).collect()
        };
        self.graph.tensors().map(of).collect()
    }

    fn counted(&self, paths: Paths, tensor: TensorId, index: usize) -> bool {
        match paths {
            Paths::All => true,
            Paths::Kept => self.keeps(tensor, index),
            Paths::Effective => self.weight(tensor, index) != 0.0,
        }
    }

    /// Paths from the inputs (forward) or to the outputs (in reverse) of each unit.
    fn counts(
        &self,
        paths: Paths,
        direction: Direction,
    ) -> Result<ByLayer<Vec<u128>>, MetricError> {
        let units = self.graph[self.graph.start(direction)].units;
        let mut semiring = Counts { analysis: self, paths };
        let layers = self.graph.sweep(direction, &mut semiring, vec![Some(1); units]);
        let exact = |layer: Vec<Option<u128>>| layer.into_iter().collect::<Option<Vec<u128>>>();
        layers.into_iter().map(exact).collect::<Option<_>>().ok_or(MetricError::Overflow)
    }
}

/// Whole numbers of paths, of any size.
struct Naturals<'a> {
    analysis: &'a Analysis<'a>,
    paths: Paths,
}

impl Semiring for Naturals<'_> {
    type Value = Natural;

    fn zero(&self) -> Natural {
        Natural::default()
    }

    fn add(&self, sum: &mut Natural, more: &Natural) {
        sum.add_times(more, 1);
    }

    fn weighted(&mut self, step: &Step, shape: &Weighted, near: &[Natural]) -> Vec<Natural> {
        let mut far = vec![Natural::default(); step.units];
        for pair in 0..shape.outputs * shape.inputs {
            let scalars = pair * shape.kernel..(pair + 1) * shape.kernel;
            let counted = |&i: &usize| self.analysis.counted(self.paths, shape.tensor, i);
            let edges = scalars.filter(counted).count() as u64;
            let (source, target) = shape.ends(pair * shape.kernel);
            let (from, to) = match step.direction {
                Direction::Forward => (source, target),
                Direction::Reverse => (target, source),
            };
            far[to].add_times(&near[from], edges);
        }
        far
    }
}

/// Whole numbers of paths; nothing beyond 128 bits.
struct Counts<'a> {
    analysis: &'a Analysis<'a>,
    paths: Paths,
}

impl Semiring for Counts<'_> {
    type Value = Option<u128>;

    fn zero(&self) -> Option<u128> {
        Some(0)
    }

    fn add(&self, sum: &mut Option<u128>, more: &Option<u128>) {
        *sum = sum.zip(*more).and_then(|(sum, more)| sum.checked_add(more));
    }

    fn weighted(
        &mut self,
        step: &Step,
        shape: &Weighted,
        near: &[Option<u128>],
    ) -> Vec<Option<u128>> {
        let mut far = vec![Some(0); step.units];
        for pair in 0..shape.outputs * shape.inputs {
            let scalars = pair * shape.kernel..(pair + 1) * shape.kernel;
            let counted = |&i: &usize| self.analysis.counted(self.paths, shape.tensor, i);
            let edges = scalars.filter(counted).count() as u128;
            let (source, target) = shape.ends(pair * shape.kernel);
            let (from, to) = match step.direction {
                Direction::Forward => (source, target),
                Direction::Reverse => (target, source),
            };
            let more = near[from].and_then(|paths| paths.checked_mul(edges));
            self.add(&mut far[to], &more);
        }
        far
    }
}
