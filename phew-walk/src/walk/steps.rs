//! What walks passed.

use phew_graph::TensorId;

/// The scalar weights that consecutive walks passed, connection by connection.
pub(crate) struct Steps {
    /// Tensor of each run of steps, and where it ends. The runs of a walk follow each other along the walk.
    pub(crate) runs: Vec<(TensorId, u32)>,
    /// Indices of the scalars.
    pub(crate) indices: Vec<u32>,
    /// For each index, which of the walks passed it.
    pub(crate) walks: Vec<u16>,
    /// Number of walks.
    pub(crate) count: usize,
}

/// A scalar weight that a walk passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) tensor: TensorId,
    pub(crate) index: u32,
}

impl Steps {
    /// Tensor and indices of each run.
    pub(crate) fn runs(&self) -> impl Iterator<Item = (TensorId, &[u32])> {
        let mut from = 0;
        self.runs.iter().map(move |&(tensor, end)| {
            let run = &self.indices[from..end as usize];
            from = end as usize;
            (tensor, run)
        })
    }

    /// The steps of each walk, in order: all steps, and where those of each walk end.
    pub(crate) fn by_walk(&self) -> (Vec<Step>, Vec<usize>) {
        let mut ends = vec![0; self.count];
        self.walks.iter().for_each(|&walk| ends[usize::from(walk)] += 1);
        let mut sum = 0;
        let mut places: Vec<usize> = Vec::with_capacity(self.count);
        for end in &mut ends {
            places.push(sum);
            sum += *end;
            *end = sum;
        }
        let mut steps = vec![Step { tensor: TensorId::new(0), index: 0 }; sum];
        let mut walks = self.walks.iter();
        for (tensor, run) in self.runs() {
            for (&index, &walk) in run.iter().zip(&mut walks) {
                let place = &mut places[usize::from(walk)];
                steps[*place] = Step { tensor, index };
                *place += 1;
            }
        }
        (steps, ends)
    }
}
