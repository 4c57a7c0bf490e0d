//! A batch of walks: some hundred of one direction, which cross a connection together.
//!
//! A walk is a chain of dependent random reads, each of which waits for memory. So what a batch does alternates
//! between short loops that only draw, only read, or only decide: a loop that only reads has no branch that depends
//! on what it reads, so the processor keeps dozens of reads in flight.

use phew_graph::{ByLayer, LayerId, PathGraph};

use crate::params::bias::Score;
use crate::rng::{Stream, below_with_rest, fraction};
use crate::walk::onward_kernels::OnwardKernels;
use crate::walk::scalar_draw::draw_scalar;
use crate::walk::steps::Steps;

/// Walks of a batch: enough reads in flight to hide memory, few enough for their streams to stay in the first
/// cache. A power of two.
const LANES: usize = 256;

/// Walks of one direction under way, property by property.
pub(crate) struct WalkBatch {
    size: usize,
    pub(crate) streams: [Stream; LANES],
    /// Which walk of the task each is.
    walks: [u16; LANES],
    /// The unit that each stands at.
    pub(crate) units: [u32; LANES],
    /// Those that stand at each layer.
    pub(crate) standing: ByLayer<Vec<u16>>,
    crossing: Crossing,
}

/// Walks of a batch on their way over a connection.
struct Crossing {
    /// The first kernel onwards from each walk's unit, and the unit that it leads to.
    firsts: [u32; LANES],
    bases: [u32; LANES],
    /// The greatest norm onwards.
    bounds: [f32; LANES],
    /// The choice of each among the kernels onwards.
    chosen: [u32; LANES],
    levels: [f32; LANES],
    norms: [f32; LANES],
    scalars: [[f32; 9]; LANES],
}

impl WalkBatch {
    pub(crate) fn new(graph: &PathGraph) -> Self {
        Self {
            size: 0,
            streams: [Stream::new([0; 2], 0); LANES],
            walks: [0; LANES],
            units: [0; LANES],
            standing: graph.layers().iter().map(|_| Vec::with_capacity(LANES)).collect(),
            crossing: Crossing {
                firsts: [0; LANES],
                bases: [0; LANES],
                bounds: [0.0; LANES],
                chosen: [0; LANES],
                levels: [0.0; LANES],
                norms: [0.0; LANES],
                scalars: [[0.0; 9]; LANES],
            },
        }
    }

    /// Adds a walk that stands at a unit; true if there is no room for another.
    pub(crate) fn add(&mut self, stream: Stream, walk: u16, layer: LayerId, unit: u32) -> bool {
        let l = self.size;
        (self.streams[l], self.walks[l], self.units[l]) = (stream, walk, unit);
        self.standing[layer].push(l as u16);
        self.size += 1;
        self.size == LANES
    }

    /// Removes the walks, which have come to their end.
    pub(crate) fn clear(&mut self) {
        self.size = 0;
    }
}

/// A lane of a batch, as an index that needs no check.
#[inline]
pub(crate) fn lane(l: u16) -> usize {
    usize::from(l) % LANES
}

impl WalkBatch {
    /// Draws the kernel that each walk takes, by rejection: one uniformly, accepted where a random level below
    /// the greatest norm is below its own.
    pub(crate) fn draw_kernels<S: Score>(&mut self, onward: &OnwardKernels<'_>, lanes: &[u16]) {
        let c = &mut self.crossing;
        let mut pending = [0; LANES];
        let mut left = 0;
        for &number in lanes {
            let l = lane(number);
            let unit = self.units[l] as usize;
            let (first, base) = onward.fan(unit);
            (c.firsts[l], c.bases[l]) = (first as u32, base as u32);
            c.bounds[l] = onward.units.bound[unit];
            match onward.draw_at_once(unit, &mut self.streams[l]) {
                Some(chosen) => c.chosen[l] = chosen as u32,
                None => {
                    pending[left] = number;
                    left += 1;
                }
            }
        }
        let mut kernels = [0u32; LANES];
        while left > 0 {
            for (&l, kernel) in pending[..left].iter().zip(&mut kernels) {
                let l = lane(l);
                let (chosen, rest) = below_with_rest(&mut self.streams[l], onward.count);
                c.chosen[l] = chosen as u32;
                c.levels[l] = fraction(rest) * c.bounds[l];
                *kernel = c.firsts[l] + (chosen * onward.stride) as u32;
            }
            for (norm, &kernel) in c.norms.iter_mut().zip(&kernels[..left]) {
                *norm = onward.norms[kernel as usize];
            }
            if onward.kernel == 1 {
                c.norms[..left].iter_mut().for_each(|norm| *norm = S::of(*norm));
            }
            // Without a branch: whether a proposal is accepted cannot be predicted.
            let mut rejected = 0;
            for p in 0..left {
                let number = pending[p];
                pending[rejected] = number;
                rejected += usize::from(c.levels[lane(number)] >= c.norms[p]);
            }
            left = rejected;
        }
    }

    /// Draws the scalar inside each walk's kernel, and takes the walk over it.
    pub(crate) fn draw_scalars<S: Score>(
        &mut self,
        onward: &OnwardKernels<'_>,
        lanes: &[u16],
        steps: &mut Steps,
    ) {
        let c = &mut self.crossing;
        let kernel =
            |c: &Crossing, l: usize| c.firsts[l] as usize + c.chosen[l] as usize * onward.stride;
        match onward.kernel {
            1 => steps.indices.extend(lanes.iter().map(|&l| kernel(c, lane(l)) as u32)),
            9 => {
                for &l in lanes {
                    let l = lane(l);
                    if let Some(read) = onward.weights[kernel(c, l) * 9..].first_chunk() {
                        c.scalars[l] = *read;
                    }
                }
                for &l in lanes {
                    let l = lane(l);
                    let scalar = draw_scalar::<S>(&mut self.streams[l], &c.scalars[l]);
                    steps.indices.push((kernel(c, l) * 9 + scalar) as u32);
                }
            }
            size => {
                for &l in lanes {
                    let l = lane(l);
                    let first = kernel(c, l) * size;
                    let scalars = &onward.weights[first..first + size];
                    let scalar = draw_scalar::<S>(&mut self.streams[l], scalars);
                    steps.indices.push((first + scalar) as u32);
                }
            }
        }
        for &l in lanes {
            let l = lane(l);
            self.units[l] = c.bases[l] + c.chosen[l];
            steps.walks.push(self.walks[l]);
        }
    }
}
