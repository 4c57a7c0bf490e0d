//! Shuffle with a width factor: the same number of weights in each tensor, spread over more units.

use phew_graph::{
    ByLayer, Ends, LayerId, LayerMask, Mask, PathGraph, Reach, Weighted, Wiring, stream, stream_key,
};
use rand_chacha::ChaCha8Rng;

use crate::draw::{below, choose};
use crate::error::BaselineError;

/// Redistributes the kept weights of each tensor at random over `w' = w + x (W − w)` units of each layer.
///
/// `w` is the number of the layer's units that lie on a path under `mask`, `W` the number of all its units, `x`
/// the width factor. The `w` units stay and random others join. Each tensor keeps its number of weights;
/// first every chosen unit gets a weight in and a weight out, as far as there are enough, then the rest is
/// uniform among the chosen units. With `x = 0` the same units are wired anew; with `x = 1` all units are
/// used.
///
/// # Errors
/// [`BaselineError::Parameter`] if `x` is not in [0, 1], or several operators share a weight.
///
/// # Complexity
/// O(weights) time and memory.
///
/// # References
/// Patil & Dovrolis 2021, section 3.1 and figure 3. The paper shuffles until a width is met; giving every
/// chosen unit its first weights meets it at once.
pub fn widen(mask: &Mask, graph: &PathGraph, x: f64, seed: u64) -> Result<Mask, BaselineError> {
    if !(0.0..=1.0).contains(&x) {
        return Err(BaselineError::parameter("width factor", x, "a number from 0 to 1"));
    }
    let key = stream_key("phew 1 width factor", seed);
    let units = chosen_units(mask, graph, x, key);
    let layers = mask.layers().with_ids().map(|(tensor, layer)| {
        let mut uses = graph.uses(tensor);
        let (Some(Ends { shape, source, target, .. }), None) = (uses.next(), uses.next()) else {
            let expected = "weights of one operator each: the units of several differ";
            return Err(BaselineError::parameter("shuffled weight", layer.name(), expected));
        };
        let ends = (&units[source][..], &units[target][..]);
        let mut rng = stream(key, tensor.index() as u64);
        Ok(spread(layer, &shape, ends, &mut rng))
    });
    Ok(Mask::from_layers(layers.collect::<Result<_, _>>()?))
}

/// Which units are to be used.
fn chosen_units(mask: &Mask, graph: &PathGraph, x: f64, key: [u8; 32]) -> ByLayer<Vec<bool>> {
    let reach = Reach::of_mask(graph, mask);
    let mut units: ByLayer<Vec<bool>> =
        graph.layers().iter().map(|layer| vec![false; layer.units]).collect();
    for (l, layer) in graph.layers().with_ids() {
        let mut rng = stream(key, 1 << 32 | l.index() as u64);
        let mut used: Vec<bool> = (0..layer.units).map(|u| reach.alive(l, u)).collect();
        let width = used.iter().filter(|&&u| u).count();
        let mut more = (x * (layer.units - width) as f64).round() as usize;
        // A feature of a channel is of use only where the channel is used, and every used channel needs one.
        let blocks = layer.incoming.iter().map(|&c| &graph[c]);
        let blocks: Vec<(Wiring, LayerId)> = blocks
            .filter_map(|c| Some((c.wiring().filter(|w| *w != Wiring::Identity)?, c.source)))
            .collect();
        for &(wiring, source) in &blocks {
            for (unit, _) in units[source].iter().enumerate().filter(|(_, used)| **used) {
                let targets = wiring.targets_of(unit);
                if more > 0 && !targets.is_empty() && !used[targets.clone()].contains(&true) {
                    used[targets.start + below(&mut rng, targets.len())] = true;
                    more -= 1;
                }
            }
        }
        let source_used = |u: usize| {
            let sources = blocks.iter().map(|&(wiring, source)| (wiring.sources_of(u), source));
            let mut sources = sources.flat_map(|(of, source)| &units[source][of]);
            sources.next().is_none_or(|&first| first || sources.any(|&used| used))
        };
        let free = |&u: &usize| !used[u] && source_used(u);
        let free: Vec<usize> = (0..layer.units).filter(free).collect();
        choose(&mut rng, free, more).into_iter().for_each(|u| used[u] = true);
        units[l] = used;
    }
    units
}

/// As many weights as `layer` keeps, between the chosen units.
fn spread(
    layer: &LayerMask,
    shape: &Weighted,
    (sources, targets): (&[bool], &[bool]),
    rng: &mut ChaCha8Rng,
) -> LayerMask {
    let mut kept = LayerMask::empty(layer.name(), layer.shape());
    let place = |target: usize, source: usize, t: usize| {
        target * shape.row() + (source - shape.first_source(target)) * shape.kernel + t
    };
    let mut pairs = Vec::new();
    for group in 0..shape.groups {
        let s = group * shape.inputs..(group + 1) * shape.inputs;
        let per_group = shape.outputs_per_group();
        let t = group * per_group..(group + 1) * per_group;
        let s: Vec<usize> = s.filter(|&s| sources[s]).collect();
        let t: Vec<usize> = t.filter(|&t| targets[t]).collect();
        let (s_len, t_len) = (s.len(), t.len());
        if s_len == 0 || t_len == 0 {
            continue;
        }
        // Random orders of both sides, the shorter one repeated: every unit is met.
        let (s, t) = (choose(rng, s, s_len), choose(rng, t, t_len));
        pairs.extend((0..s_len.max(t_len)).map(|i| (t[i % t_len], s[i % s_len])));
    }
    let count = pairs.len();
    for (target, source) in choose(rng, pairs, count.min(layer.kept())) {
        kept.insert(place(target, source, below(rng, shape.kernel)));
    }
    let usable = |i: usize| {
        let (source, target) = shape.ends(i);
        sources[source] && targets[target]
    };
    let rest: Vec<u32> =
        (0..shape.len()).filter(|&i| usable(i) && !kept.get(i)).map(|i| i as u32).collect();
    for i in choose(rng, rest, layer.kept() - kept.kept()) {
        kept.insert(i as usize);
    }
    // Where the chosen units have no room left, the other units take what remains.
    if kept.kept() < layer.kept() {
        let rest: Vec<u32> = (0..shape.len()).filter(|&i| !kept.get(i)).map(|i| i as u32).collect();
        for i in choose(rng, rest, layer.kept() - kept.kept()) {
            kept.insert(i as usize);
        }
    }
    kept
}
