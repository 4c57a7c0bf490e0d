//! What stands on either side of a unit: a stub unit has weights on one side and nothing on the other.

use phew_graph::{Connection, Kind, PathGraph};

/// For each unit, whether anything enters it and whether anything leaves it.
pub(super) fn sides(
    graph: &PathGraph,
    into: &[Vec<usize>],
    out: &[Vec<usize>],
) -> (Vec<Vec<bool>>, Vec<Vec<bool>>) {
    let some = |degrees: &[Vec<usize>]| -> Vec<Vec<bool>> {
        degrees.iter().map(|l| l.iter().map(|&d| d > 0).collect()).collect()
    };
    let (mut fed, mut feeds) = (some(into), some(out));
    let last = fed.len() - 1;
    fed[0].fill(true);
    feeds[last].fill(true);
    for c in graph.connections() {
        free_pairs(graph, c, |i, j| fed[c.target][j] |= fed[c.source][i]);
    }
    for c in graph.connections().iter().rev() {
        free_pairs(graph, c, |i, j| feeds[c.source][i] |= feeds[c.target][j]);
    }
    (fed, feeds)
}

/// Calls `pair` with the source and target unit of each parameter-free edge of a connection.
fn free_pairs(graph: &PathGraph, c: &Connection, mut pair: impl FnMut(usize, usize)) {
    let targets = 0..graph.layers()[c.target].units;
    match c.kind {
        Kind::Weighted(_) => {}
        Kind::Identity => targets.for_each(|j| pair(j, j)),
        Kind::Flatten { block } => targets.for_each(|j| pair(j / block, j)),
    }
}
