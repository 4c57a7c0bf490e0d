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

/// Walks that advance together: enough reads in flight to hide memory, few enough to stay in the first cache.
const LANES: usize = 64;

/// The walks of one request: graph, tables and streams.
pub(crate) struct Walker<'a, S> {
    graph: &'a PathGraph,
    /// For each layer, the ways that a walk may take onwards: forward, and in reverse.
    onward: [Vec<Vec<Onward<'a>>>; 2],
    key: [u8; 32],
    starts: Starts,
    score: std::marker::PhantomData<S>,
}

/// A connection as a walk of one direction sees it.
#[derive(Clone, Copy)]
struct Onward<'a> {
    /// The layer that it leads to.
    layer: usize,
    way: Way<'a>,
}

#[derive(Clone, Copy)]
enum Way<'a> {
    Weighted(Edge<'a>),
    Same,
    /// From a channel to one of its features.
    Spread(usize),
    /// From a feature to its channel.
    Gather(usize),
}

/// A weighted connection: its tables, and where the kernels of a unit lie.
#[derive(Clone, Copy)]
struct Edge<'a> {
    tensor: usize,
    /// Scalars of a kernel.
    kernel: usize,
    weights: &'a [f32],
    /// Norms of the kernels `[outputs, inputs]`, or the weights where a kernel is one scalar.
    norms: &'a [f32],
    units: &'a Units,
    forward: bool,
    groups: usize,
    /// Source units of a group, and target units.
    inputs: usize,
    outputs: usize,
}

/// The kernels onwards from a unit: choice `c` of `count` is kernel `first + c · stride`, to unit `base + c`.
#[derive(Clone, Copy)]
struct Choice {
    first: usize,
    stride: usize,
    count: usize,
    base: usize,
    /// The greatest norm among them.
    bound: f32,
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
struct Lane<'a> {
    rng: ChaCha8Rng,
    direction: Direction,
    layer: usize,
    unit: usize,
    /// The weighted connection to take next, and the layer behind it.
    edge: Option<Edge<'a>>,
    next: usize,
    choice: Choice,
    /// What was chosen of it.
    chosen: usize,
    steps: Vec<Step>,
}

impl<'a, S: Score> Walker<'a, S> {
    pub(crate) fn new(graph: &'a PathGraph, tables: &'a [Table<'a>], law: &WalkLaw) -> Self {
        let walked = graph.walked(law.skips);
        let ways = |direction: Direction| {
            let forward = direction == Direction::Forward;
            let way = |&c: &usize| {
                let connection = &graph.connections()[c];
                let way = match connection.kind {
                    Kind::Weighted(shape) => {
                        Way::Weighted(Edge::new(&tables[shape.tensor], forward))
                    }
                    Kind::Identity => Way::Same,
                    Kind::Flatten { block } if forward => Way::Spread(block),
                    Kind::Flatten { block } => Way::Gather(block),
                };
                Onward { layer: if forward { connection.target } else { connection.source }, way }
            };
            let of_layer = |layer: &phew_graph::Layer| {
                let list = if forward { &layer.outgoing } else { &layer.incoming };
                list.iter().filter(|&&c| walked[c]).map(way).collect()
            };
            graph.layers().iter().map(of_layer).collect()
        };
        Self {
            graph,
            onward: [ways(Direction::Forward), ways(Direction::Reverse)],
            key: phew_graph::stream_key("phew 1 walks", law.seed),
            starts: law.starts,
            score: std::marker::PhantomData,
        }
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
        let depth = self.graph.layers().len();
        let mut done =
            Steps { steps: Vec::with_capacity(count * depth), ends: Vec::with_capacity(count) };
        let mut lanes: Vec<Lane<'_>> = Vec::with_capacity(LANES);
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

    fn enter(&self, walk: u64, mut steps: Vec<Step>) -> Lane<'a> {
        let mut rng = stream(self.key, walk);
        let (direction, unit) = self.start(walk);
        let last = self.graph.layers().len() - 1;
        let layer = if direction == Direction::Forward { 0 } else { last };
        let unit = unit.unwrap_or_else(|| below(&mut rng, self.graph.layers()[layer].units));
        steps.clear();
        let choice = Choice { first: 0, stride: 0, count: 1, base: 0, bound: 0.0 };
        Lane { rng, direction, layer, unit, edge: None, next: 0, choice, chosen: 0, steps }
    }

    /// Takes all lanes to their ends, one step of all before the next step of any.
    ///
    /// Reads and decisions alternate: a loop that only reads has no branch that depends on what it reads, so
    /// the processor keeps dozens of reads in flight.
    fn advance(&self, lanes: &mut [Lane<'a>]) {
        let mut active: Vec<usize> = (0..lanes.len()).collect();
        let mut pending: Vec<usize> = Vec::with_capacity(lanes.len());
        let mut levels = [0.0; LANES];
        let mut norms = [0.0; LANES];
        let mut scalars = [[0.0; 9]; LANES];
        loop {
            active.retain(|&l| self.approach(&mut lanes[l]));
            if active.is_empty() {
                return;
            }
            pending.clear();
            pending.extend(active.iter().copied().filter(|&l| !lanes[l].draw_at_once()));
            while !pending.is_empty() {
                for &l in &pending {
                    levels[l] = lanes[l].propose();
                }
                for &l in &pending {
                    norms[l] = lanes[l].read_norm::<S>();
                }
                // Without a branch: whether a proposal is accepted cannot be predicted.
                let mut left = 0;
                for p in 0..pending.len() {
                    let l = pending[p];
                    pending[left] = l;
                    left += usize::from(levels[l] >= norms[l]);
                }
                pending.truncate(left);
            }
            for &l in &active {
                lanes[l].read_kernel(&mut scalars[l]);
            }
            for &l in &active {
                lanes[l].pass::<S>(&scalars[l]);
            }
        }
    }

    /// Moves a walk to the next unit that has weights onwards; false at the end of the walk.
    fn approach(&self, lane: &mut Lane<'a>) -> bool {
        loop {
            let ways = &self.onward[usize::from(lane.direction == Direction::Reverse)][lane.layer];
            let onward = match ways.len() {
                0 => return false,
                1 => &ways[0],
                several => &ways[below(&mut lane.rng, several)],
            };
            match onward.way {
                Way::Weighted(edge) => {
                    (lane.edge, lane.next) = (Some(edge), onward.layer);
                    lane.choice = edge.choice(lane.unit);
                    return true;
                }
                Way::Same => {}
                Way::Spread(block) => lane.unit = lane.unit * block + below(&mut lane.rng, block),
                Way::Gather(block) => lane.unit /= block,
            }
            lane.layer = onward.layer;
        }
    }
}

impl<'a> Edge<'a> {
    fn new(table: &'a Table<'a>, forward: bool) -> Self {
        let shape = table.shape;
        Self {
            tensor: shape.tensor,
            kernel: shape.kernel,
            weights: table.weights,
            norms: table.kernels(),
            units: if forward { &table.forward } else { &table.reverse },
            forward,
            groups: shape.groups,
            inputs: shape.inputs,
            outputs: shape.outputs_per_group(),
        }
    }

    fn choice(&self, unit: usize) -> Choice {
        let bound = self.units.bound[unit];
        let near = if self.forward { self.inputs } else { self.outputs };
        // Divisions are slow, and few networks have groups.
        let group = if self.groups == 1 { 0 } else { unit / near };
        if self.forward {
            let base = group * self.outputs;
            let first = base * self.inputs + (unit - group * near);
            Choice { first, stride: self.inputs, count: self.outputs, base, bound }
        } else {
            let base = group * self.inputs;
            Choice { first: unit * self.inputs, stride: 1, count: self.inputs, base, bound }
        }
    }
}

impl Lane<'_> {
    /// Draws the kernel where that takes no rejection: uneven units, and units with nothing to prefer.
    fn draw_at_once(&mut self) -> bool {
        let Some(edge) = &self.edge else { return true };
        if let Some(cumulative) = edge.units.cumulative(self.unit) {
            let total = cumulative.last().copied().unwrap_or(0.0);
            let point = unit_interval(self.rng.next_u64()) * total;
            self.chosen = cumulative.partition_point(|&c| c <= point).min(self.choice.count - 1);
            true
        } else if self.choice.bound == 0.0 {
            self.chosen = below(&mut self.rng, self.choice.count);
            true
        } else {
            false
        }
    }

    /// Proposes a kernel, to be accepted where the level returned is below its norm.
    #[inline]
    fn propose(&mut self) -> f32 {
        let (chosen, rest) = below_with_rest(&mut self.rng, self.choice.count);
        self.chosen = chosen;
        rest as f32 * 2f32.powi(-32) * self.choice.bound
    }

    #[inline]
    fn kernel(&self) -> usize {
        self.choice.first + self.chosen * self.choice.stride
    }

    #[inline]
    fn read_norm<S: Score>(&self) -> f32 {
        let Some(edge) = &self.edge else { return f32::INFINITY };
        let norm = edge.norms[self.kernel()];
        if edge.kernel == 1 { S::of(norm) } else { norm }
    }

    /// Reads the scalars of a 3×3 kernel.
    #[inline]
    fn read_kernel(&self, scalars: &mut [f32; 9]) {
        if let Some(edge) = &self.edge
            && edge.kernel == 9
            && let Some(read) = edge.weights[self.kernel() * 9..].first_chunk()
        {
            *scalars = *read;
        }
    }

    /// Draws the scalar inside the kernel, and walks over it.
    #[inline]
    fn pass<S: Score>(&mut self, scalars: &[f32; 9]) {
        let Some(edge) = self.edge else { return };
        let (kernel, size) = (self.kernel(), edge.kernel);
        let scalar = match size {
            1 => 0,
            9 => within::<S>(&mut self.rng, scalars),
            k => within::<S>(&mut self.rng, &edge.weights[kernel * k..(kernel + 1) * k]),
        };
        let index = (kernel * size + scalar) as u32;
        self.steps.push(Step { tensor: edge.tensor as u32, index });
        self.unit = self.choice.base + self.chosen;
        self.layer = self.next;
    }
}

/// A scalar of a kernel, with probability proportional to its score; uniform if all are 0.
///
/// The scalars passed by are counted rather than searched: where the count ends cannot be predicted.
#[inline]
fn within<S: Score>(rng: &mut ChaCha8Rng, kernel: &[f32]) -> usize {
    let total: f32 = kernel.iter().map(|&w| S::of(w)).sum();
    let point = rng.next_u32() as f32 * 2f32.powi(-32) * total;
    let mut sum = 0.0;
    let mut passed = 0;
    for &w in kernel {
        sum += S::of(w);
        passed += usize::from(sum <= point);
    }
    if passed < kernel.len() {
        return passed;
    }
    // The point fell on the upper end by rounding, or there is nothing to prefer.
    let last = kernel.iter().rposition(|&w| S::of(w) > 0.0);
    last.unwrap_or_else(|| below(rng, kernel.len()))
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
