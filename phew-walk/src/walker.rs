//! Walks, many at a time.
//!
//! They advance in companies, layer by layer. Each walk draws from a stream of its own, so the company that it keeps
//! does not change it.

use std::ops::Range;

use phew_graph::{Direction, PathGraph};

use crate::company::{Company, LANES, lane};
use crate::draw::{Stream, below, key};
use crate::params::{Starts, WalkLaw};
use crate::score::Score;
use crate::steps::Steps;
use crate::table::Table;
use crate::way::{Onward, Way, ways};

/// The walks of one request: graph, tables and streams.
pub(crate) struct Walker<'a, S> {
    graph: &'a PathGraph,
    /// For each layer, the ways that a walk may take onwards: forward, and in reverse.
    onward: [Vec<Vec<Onward<'a>>>; 2],
    key: [u64; 2],
    starts: Starts,
    score: std::marker::PhantomData<S>,
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
