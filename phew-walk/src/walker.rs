//! Walks, many at a time.
//!
//! A walk is a chain of dependent random reads, each of which waits for memory. So companies of walks cross one
//! connection together, and what they do there alternates between short loops that only draw, only read, or only
//! decide: a loop that only reads has no branch that depends on what it reads, so the processor keeps dozens of
//! reads in flight. Each walk draws from a stream of its own, so the company that it keeps does not change it.

use std::ops::Range;

use phew_graph::{Direction, PathGraph};

use crate::draw::{Stream, below, below_with_rest, key, within};
use crate::params::{Starts, WalkLaw};
use crate::score::Score;
use crate::table::Table;
use crate::way::{Edge, Onward, Way, ways};

/// Walks of a company: enough reads in flight to hide memory, few enough for their streams to stay in the first
/// cache. A power of two.
const LANES: usize = 256;

/// The walks of one request: graph, tables and streams.
pub(crate) struct Walker<'a, S> {
    graph: &'a PathGraph,
    /// For each layer, the ways that a walk may take onwards: forward, and in reverse.
    onward: [Vec<Vec<Onward<'a>>>; 2],
    key: [u64; 2],
    starts: Starts,
    score: std::marker::PhantomData<S>,
}

/// The scalar weights that consecutive walks passed, connection by connection.
#[derive(Default)]
pub(crate) struct Steps {
    /// Tensor of each run of steps, and where it ends. The runs of a walk follow each other along the walk.
    pub(crate) runs: Vec<(u32, u32)>,
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
    pub(crate) tensor: u32,
    pub(crate) index: u32,
}

impl Steps {
    /// Tensor and indices of each run.
    pub(crate) fn runs(&self) -> impl Iterator<Item = (usize, &[u32])> {
        let mut from = 0;
        self.runs.iter().map(move |&(tensor, end)| {
            let run = &self.indices[from..end as usize];
            from = end as usize;
            (tensor as usize, run)
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
        let mut steps = vec![Step { tensor: 0, index: 0 }; sum];
        let mut walks = self.walks.iter();
        for (tensor, run) in self.runs() {
            for (&index, &walk) in run.iter().zip(&mut walks) {
                let place = &mut places[usize::from(walk)];
                steps[*place] = Step { tensor: tensor as u32, index };
                *place += 1;
            }
        }
        (steps, ends)
    }
}

/// Walks of one direction under way, property by property.
pub(crate) struct Company {
    size: usize,
    streams: [Stream; LANES],
    /// Which walk of the task each is.
    walks: [u16; LANES],
    /// The unit that each stands at.
    units: [u32; LANES],
    /// Those that stand at each layer.
    standing: Vec<Vec<u16>>,
    crossing: Crossing,
}

/// Walks of a company on their way over a connection.
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

impl Company {
    fn new(layers: usize) -> Self {
        Self {
            size: 0,
            streams: [Stream::new([0; 2], 0); LANES],
            walks: [0; LANES],
            units: [0; LANES],
            standing: vec![Vec::with_capacity(LANES); layers],
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
}

/// A lane of a company, as an index that needs no check.
#[inline]
fn lane(l: u16) -> usize {
    usize::from(l) % LANES
}

impl<'a, S: Score> Walker<'a, S> {
    pub(crate) fn new(graph: &'a PathGraph, tables: &'a [Table<'a>], law: &WalkLaw) -> Self {
        let walked = graph.walked(law.skips);
        Self {
            graph,
            onward: [Direction::Forward, Direction::Reverse]
                .map(|direction| ways(graph, tables, &walked, direction)),
            key: key("phew 2 walks", law.seed),
            starts: law.starts,
            score: std::marker::PhantomData,
        }
    }

    /// Room for the walks of one task: a company for each direction.
    pub(crate) fn companies(&self) -> [Company; 2] {
        [(); 2].map(|()| Company::new(self.graph.layers().len()))
    }

    /// The walks numbered `from .. from + count`.
    pub(crate) fn walk(&self, from: u64, count: usize, companies: &mut [Company; 2]) -> Steps {
        let all = count * self.graph.layers().len();
        let mut steps = Steps {
            runs: Vec::new(),
            indices: Vec::with_capacity(all),
            walks: Vec::with_capacity(all),
            count,
        };
        for walk in 0..count {
            let (direction, unit) = self.starts.of(self.graph, from + walk as u64);
            let company = &mut companies[usize::from(direction == Direction::Reverse)];
            let mut stream = Stream::new(self.key, from + walk as u64);
            let start = self.start(direction);
            let unit = unit.unwrap_or_else(|| below(&mut stream, self.graph.layers()[start].units));
            let l = company.size;
            company.streams[l] = stream;
            company.walks[l] = walk as u16;
            company.units[l] = unit as u32;
            company.standing[start].push(l as u16);
            company.size += 1;
            if company.size == LANES {
                self.advance(direction, company, &mut steps);
            }
        }
        for (company, direction) in
            companies.iter_mut().zip([Direction::Forward, Direction::Reverse])
        {
            self.advance(direction, company, &mut steps);
        }
        steps
    }

    /// Walks of these numbers that start at each input and at each output unit.
    pub(crate) fn started(&self, walks: &[Range<u64>]) -> [Vec<u64>; 2] {
        [Direction::Forward, Direction::Reverse].map(|direction| {
            let layer = self.start(direction);
            let units = self.graph.layers()[layer].units;
            let mut counts = vec![0; units];
            let turns = |w: &Range<u64>| self.starts.turns(direction, w.start, w.end - w.start);
            for walks in walks {
                if self.starts == Starts::Random {
                    let of = |&walk: &u64| self.starts.of(self.graph, walk).0 == direction;
                    for walk in walks.clone().filter(of) {
                        counts[below(&mut Stream::new(self.key, walk), units)] += 1;
                    }
                } else {
                    let started = Starts::round_robin(turns(walks), units);
                    counts.iter_mut().zip(started).for_each(|(count, n)| *count += n);
                }
            }
            counts
        })
    }

    fn start(&self, direction: Direction) -> usize {
        if direction == Direction::Forward { 0 } else { self.graph.layers().len() - 1 }
    }

    /// Takes a company to the end of its walks, layer by layer, and dismisses it.
    fn advance(&self, direction: Direction, company: &mut Company, steps: &mut Steps) {
        let forward = direction == Direction::Forward;
        let onward = &self.onward[usize::from(!forward)];
        let last = onward.len() - 1;
        let mut parted: Vec<Vec<u16>> = Vec::new();
        for layer in (0..=last).map(|step| if forward { step } else { last - step }) {
            if company.standing[layer].is_empty() {
                continue;
            }
            let mut here = std::mem::take(&mut company.standing[layer]);
            match &onward[layer][..] {
                [] => {}
                [only] => self.take(only, &here, company, steps),
                several => {
                    parted.resize(several.len().max(parted.len()), Vec::new());
                    for &l in &here {
                        parted[below(&mut company.streams[lane(l)], several.len())].push(l);
                    }
                    for (way, lanes) in several.iter().zip(&mut parted) {
                        self.take(way, lanes, company, steps);
                        lanes.clear();
                    }
                }
            }
            here.clear();
            company.standing[layer] = here;
        }
        company.size = 0;
    }

    /// Takes some walks along one way.
    fn take(&self, onward: &Onward<'_>, lanes: &[u16], company: &mut Company, steps: &mut Steps) {
        match onward.way {
            Way::Weighted(edge) => {
                company.draw_kernels::<S>(&edge, lanes);
                company.draw_scalars::<S>(&edge, lanes, steps);
                steps.runs.push((edge.tensor as u32, steps.indices.len() as u32));
            }
            Way::Same => {}
            Way::Spread(block) => {
                for l in lanes.iter().map(|&l| lane(l)) {
                    let feature = below(&mut company.streams[l], block);
                    company.units[l] = company.units[l] * block as u32 + feature as u32;
                }
            }
            Way::Gather(block) => {
                lanes.iter().for_each(|&l| company.units[lane(l)] /= block as u32);
            }
        }
        company.standing[onward.layer].extend_from_slice(lanes);
    }
}

impl Company {
    /// Draws the kernel that each walk takes, by rejection: one uniformly, accepted where a random level below
    /// the greatest norm is below its own.
    fn draw_kernels<S: Score>(&mut self, edge: &Edge<'_>, lanes: &[u16]) {
        let c = &mut self.crossing;
        let mut pending = [0; LANES];
        let mut left = 0;
        for &number in lanes {
            let l = lane(number);
            let unit = self.units[l] as usize;
            let (first, base) = edge.fan(unit);
            (c.firsts[l], c.bases[l]) = (first as u32, base as u32);
            c.bounds[l] = edge.units.bound[unit];
            match edge.draw_at_once(unit, &mut self.streams[l]) {
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
                let (chosen, rest) = below_with_rest(&mut self.streams[l], edge.count);
                c.chosen[l] = chosen as u32;
                c.levels[l] = rest as f32 * 2f32.powi(-32) * c.bounds[l];
                *kernel = c.firsts[l] + (chosen * edge.stride) as u32;
            }
            for (norm, &kernel) in c.norms.iter_mut().zip(&kernels[..left]) {
                *norm = edge.norms[kernel as usize];
            }
            if edge.kernel == 1 {
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
    fn draw_scalars<S: Score>(&mut self, edge: &Edge<'_>, lanes: &[u16], steps: &mut Steps) {
        let c = &mut self.crossing;
        let kernel =
            |c: &Crossing, l: usize| c.firsts[l] as usize + c.chosen[l] as usize * edge.stride;
        match edge.kernel {
            1 => steps.indices.extend(lanes.iter().map(|&l| kernel(c, lane(l)) as u32)),
            9 => {
                for &l in lanes {
                    let l = lane(l);
                    if let Some(read) = edge.weights[kernel(c, l) * 9..].first_chunk() {
                        c.scalars[l] = *read;
                    }
                }
                for &l in lanes {
                    let l = lane(l);
                    let scalar = within::<S>(&mut self.streams[l], &c.scalars[l]);
                    steps.indices.push((kernel(c, l) * 9 + scalar) as u32);
                }
            }
            size => {
                for &l in lanes {
                    let l = lane(l);
                    let first = kernel(c, l) * size;
                    let scalars = &edge.weights[first..first + size];
                    let scalar = within::<S>(&mut self.streams[l], scalars);
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
