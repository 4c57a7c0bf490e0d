//! Walks, many at a time.
//!
//! A walk is a chain of dependent random reads, each of which waits for memory. So a task advances a few
//! dozen walks together, one step of all before the next step of any: their reads are independent and overlap.
//! Each walk draws from a stream of its own, so the company that it keeps does not change it.

use phew_graph::{Direction, Kind, PathGraph, stream};
use rand::RngCore;
use rand_chacha::ChaCha8Rng;

use crate::params::{Starts, WalkLaw};
use crate::score::Score;
use crate::table::{Table, Units};

/// Walks that advance together.
const LANES: usize = 32;

/// The walks of one request: graph, tables and streams.
pub(crate) struct Walker<'a, S> {
    pub(crate) graph: &'a PathGraph,
    pub(crate) tables: Vec<Table<'a>>,
    /// For each layer, the connections that a walk may take onwards: forward, and in reverse.
    routes: [Vec<Vec<usize>>; 2],
    key: [u8; 32],
    starts: Starts,
    score: std::marker::PhantomData<S>,
}

/// A scalar weight that a walk passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) tensor: u32,
    pub(crate) index: u32,
}

/// The steps of consecutive walks.
#[derive(Default)]
pub(crate) struct Steps {
    pub(crate) steps: Vec<Step>,
    /// For each walk, where its steps end.
    pub(crate) ends: Vec<u32>,
}

/// A walk under way.
struct Lane {
    rng: ChaCha8Rng,
    direction: Direction,
    layer: usize,
    unit: usize,
    /// The connection to take next, if the walk is not over.
    connection: usize,
    /// The tensor of that connection, and the kernel drawn.
    tensor: usize,
    kernel: usize,
    steps: Vec<Step>,
}

impl<'a, S: Score> Walker<'a, S> {
    pub(crate) fn new(graph: &'a PathGraph, tables: Vec<Table<'a>>, law: &WalkLaw) -> Self {
        let walked = graph.walked(law.skips);
        let keep = |list: &Vec<usize>| list.iter().copied().filter(|&c| walked[c]).collect();
        let forward = graph.layers().iter().map(|l| keep(&l.outgoing)).collect();
        let reverse = graph.layers().iter().map(|l| keep(&l.incoming)).collect();
        let key = phew_graph::stream_key("phew 1 walks", law.seed);
        let score = std::marker::PhantomData;
        Self { graph, tables, routes: [forward, reverse], key, starts: law.starts, score }
    }

    /// Direction and start unit of a walk.
    pub(crate) fn first_unit(&self, walk: u64) -> (Direction, usize) {
        let (direction, unit) = self.start(walk);
        (direction, unit.unwrap_or_else(|| self.enter(walk, Vec::new()).unit))
    }

    /// Direction and, unless it is drawn, start unit of a walk.
    fn start(&self, walk: u64) -> (Direction, Option<usize>) {
        let (inputs, outputs) = (self.graph.inputs() as u64, self.graph.outputs() as u64);
        let turn = if walk.is_multiple_of(2) { Direction::Forward } else { Direction::Reverse };
        let units = |d| if d == Direction::Forward { inputs } else { outputs };
        match self.starts {
            Starts::Balanced => (turn, Some((walk / 2 % units(turn)) as usize)),
            Starts::Forward => (Direction::Forward, Some((walk % inputs) as usize)),
            Starts::Reverse => (Direction::Reverse, Some((walk % outputs) as usize)),
            Starts::Random => (turn, None),
        }
    }

    /// The walks numbered `from .. from + count`.
    pub(crate) fn walk(&self, from: u64, count: usize) -> Steps {
        let mut done = Steps::default();
        let mut lanes: Vec<Lane> = Vec::with_capacity(LANES);
        for first in (0..count).step_by(LANES) {
            let company = first..(first + LANES).min(count);
            for (place, i) in company.clone().enumerate() {
                let steps = lanes.get_mut(place).map(|l| std::mem::take(&mut l.steps));
                let lane = self.enter(from + i as u64, steps.unwrap_or_default());
                match lanes.get_mut(place) {
                    Some(old) => *old = lane,
                    None => lanes.push(lane),
                }
            }
            let lanes = &mut lanes[..company.len()];
            self.advance(lanes);
            for lane in lanes {
                done.steps.extend_from_slice(&lane.steps);
                done.ends.push(done.steps.len() as u32);
            }
        }
        done
    }

    fn enter(&self, walk: u64, mut steps: Vec<Step>) -> Lane {
        let mut rng = stream(self.key, walk);
        let (direction, unit) = self.start(walk);
        let last = self.graph.layers().len() - 1;
        let layer = if direction == Direction::Forward { 0 } else { last };
        let unit = unit.unwrap_or_else(|| below(&mut rng, self.graph.layers()[layer].units));
        steps.clear();
        Lane { rng, direction, layer, unit, connection: 0, tensor: 0, kernel: 0, steps }
    }

    /// Takes all lanes to their ends.
    fn advance(&self, lanes: &mut [Lane]) {
        let mut active: Vec<usize> = (0..lanes.len()).collect();
        let mut pending: Vec<usize> = Vec::with_capacity(lanes.len());
        let mut tried: Vec<(f32, f32)> = vec![(0.0, 0.0); lanes.len()];
        loop {
            active.retain(|&l| self.approach(&mut lanes[l]));
            if active.is_empty() {
                return;
            }
            pending.clear();
            pending.extend(active.iter().copied().filter(|&l| !self.draw_at_once(&mut lanes[l])));
            while !pending.is_empty() {
                // First all reads, then all decisions: the reads overlap.
                for &l in &pending {
                    tried[l] = self.propose(&mut lanes[l]);
                }
                pending.retain(|&l| tried[l].0 >= tried[l].1);
            }
            for &l in &active {
                self.pass(&mut lanes[l]);
            }
        }
    }

    /// Moves a walk to the next unit that has weights onwards; false at the end of the walk.
    fn approach(&self, lane: &mut Lane) -> bool {
        loop {
            let routes =
                &self.routes[usize::from(lane.direction == Direction::Reverse)][lane.layer];
            let connection = match routes.len() {
                0 => return false,
                1 => routes[0],
                several => routes[below(&mut lane.rng, several)],
            };
            let onward = &self.graph.connections()[connection];
            let forward = lane.direction == Direction::Forward;
            match onward.kind {
                Kind::Weighted(shape) => {
                    (lane.connection, lane.tensor) = (connection, shape.tensor);
                    return true;
                }
                Kind::Flatten { block } if forward => {
                    lane.unit = lane.unit * block + below(&mut lane.rng, block);
                }
                Kind::Flatten { block } => lane.unit /= block,
                Kind::Identity => {}
            }
            lane.layer = if forward { onward.target } else { onward.source };
        }
    }

    fn units<'t>(&self, lane: &Lane, table: &'t Table<'_>) -> &'t Units {
        if lane.direction == Direction::Forward { &table.forward } else { &table.reverse }
    }

    /// Number of kernels to choose from, and the kernel that a choice means.
    fn kernels(lane: &Lane, table: &Table<'_>) -> (usize, impl Fn(usize) -> usize + use<S>) {
        let shape = table.shape;
        let (count, first, stride) = match lane.direction {
            Direction::Forward => {
                let rows = shape.outputs_per_group();
                let (group, column) = (lane.unit / shape.inputs, lane.unit % shape.inputs);
                (rows, group * rows * shape.inputs + column, shape.inputs)
            }
            Direction::Reverse => (shape.inputs, lane.unit * shape.inputs, 1),
        };
        (count, move |choice| first + choice * stride)
    }

    /// Draws the kernel where that takes no rejection: uneven units, and units with nothing to prefer.
    fn draw_at_once(&self, lane: &mut Lane) -> bool {
        let table = &self.tables[lane.tensor];
        let units = self.units(lane, table);
        let (count, kernel) = Self::kernels(lane, table);
        let choice = if let Some(cumulative) = units.cumulative(lane.unit) {
            let total = cumulative.last().copied().unwrap_or(0.0);
            let point = unit_interval(lane.rng.next_u64()) * total;
            cumulative.partition_point(|&c| c <= point).min(count - 1)
        } else if units.bound[lane.unit] == 0.0 {
            below(&mut lane.rng, count)
        } else {
            return false;
        };
        lane.kernel = kernel(choice);
        true
    }

    /// Proposes a kernel: it is accepted where the first number returned is below the second.
    fn propose(&self, lane: &mut Lane) -> (f32, f32) {
        let table = &self.tables[lane.tensor];
        let (count, kernel) = Self::kernels(lane, table);
        let (choice, low) = below_with_rest(&mut lane.rng, count);
        lane.kernel = kernel(choice);
        let level = low as f32 * 2f32.powi(-32) * self.units(lane, table).bound[lane.unit];
        (level, table.norm::<S>(lane.kernel))
    }

    /// Draws the scalar inside the kernel, and walks over it.
    fn pass(&self, lane: &mut Lane) {
        let table = &self.tables[lane.tensor];
        let shape = &table.shape;
        let scalar = match shape.kernel {
            1 => 0,
            9 => within::<S>(&mut lane.rng, table.weights[lane.kernel * 9..].first_chunk::<9>()),
            k => within::<S>(
                &mut lane.rng,
                table.weights.get(lane.kernel * k..(lane.kernel + 1) * k),
            ),
        };
        let index = lane.kernel * shape.kernel + scalar;
        lane.steps.push(Step { tensor: lane.tensor as u32, index: index as u32 });
        let onward = &self.graph.connections()[lane.connection];
        let target = lane.kernel / shape.inputs;
        (lane.layer, lane.unit) = match lane.direction {
            Direction::Forward => (onward.target, target),
            Direction::Reverse => {
                (onward.source, shape.first_source(target) + lane.kernel % shape.inputs)
            }
        };
    }
}

/// A scalar of a kernel, with probability proportional to its score; uniform if all are 0.
fn within<S: Score>(rng: &mut ChaCha8Rng, kernel: Option<impl AsRef<[f32]>>) -> usize {
    let Some(kernel) = kernel else { return 0 };
    let kernel = kernel.as_ref();
    let total: f32 = kernel.iter().map(|&w| S::of(w)).sum();
    if total == 0.0 {
        return below(rng, kernel.len());
    }
    let point = rng.next_u32() as f32 * 2f32.powi(-32) * total;
    let mut sum = 0.0;
    let mut last = 0;
    for (t, &w) in kernel.iter().enumerate() {
        let score = S::of(w);
        sum += score;
        if score > 0.0 {
            last = t;
            if point < sum {
                return t;
            }
        }
    }
    last
}

/// A number below `bound`, every one equally likely (Lemire's multiplication, with its rejection).
fn below(rng: &mut ChaCha8Rng, bound: usize) -> usize {
    below_with_rest(rng, bound).0
}

/// As [`below`], with 32 more random bits that the choice did not use.
#[inline]
fn below_with_rest(rng: &mut ChaCha8Rng, bound: usize) -> (usize, u32) {
    let bound = bound as u64;
    loop {
        let bits = rng.next_u64();
        let product = (bits >> 32) * bound;
        let fraction = product & u64::from(u32::MAX);
        if fraction >= bound || fraction >= (1 << 32) % bound {
            return ((product >> 32) as usize, bits as u32);
        }
    }
}

/// In [0, 1), from the upper 53 bits.
fn unit_interval(bits: u64) -> f64 {
    (bits >> 11) as f64 * 2f64.powi(-53)
}
