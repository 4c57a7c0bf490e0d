//! An architecture of one's own, written in code: what it is as a graph of paths, and as TOML.
#![expect(clippy::print_stdout, reason = "an example prints")]

use phew_graph::{
    Abs, Arch, ArchBuilder, Conv2d, Edges, GraphError, Init, Network, One, PathGraph, PathSums,
    Pool, Shape,
};

pub(crate) fn main() -> Result<(), GraphError> {
    // Each call appends an operator that reads the one before it; `from` and `add` make branches.
    let image = Shape::Image { channels: 3, height: 32, width: 32 };
    let arch = ArchBuilder::new("own", image)
        .conv("stem", Conv2d::new(16, 3).padding(1))
        .batch_norm("norm")
        .relu("relu")
        .conv("branch.deep", Conv2d::new(32, 3).padding(1).stride(2))
        .relu("branch.relu")
        .conv("branch.wide", Conv2d::new(32, 3).padding(1))
        .from("relu")
        .conv("projection", Conv2d::new(32, 1).stride(2))
        .add("sum", &["branch.wide", "projection"])
        .avg_pool("pool", Pool::global())
        .flatten("flatten")
        .linear("classes", 10)
        .build()?;
    println!("{arch}");

    // Every weight of every kernel is an edge between two units; a path joins an input channel to a class.
    let network = Network::initialise(arch, Init::default(), 0)?;
    let (arch, weights) = (network.arch(), network.weights());
    let graph = PathGraph::new(arch);
    let paths = PathSums::new(&graph, &Edges::new(&weights, One));
    println!("paths: {:.0}", paths.ln_total().exp());

    // SynFlow's objective is the sum of all paths' magnitudes; a tensor's share of it is 1 where no path goes around it.
    let edges = Edges::new(&weights, Abs);
    let sums = PathSums::new(&graph, &edges);
    println!("ln of the SynFlow objective: {:.3}", sums.ln_total());
    for (tensor, spec) in arch.prunable().with_ids() {
        let share: f64 = sums.edge_shares(tensor, &edges).iter().sum();
        println!("{:<18} {:>6} weights, share of the paths {share:.3}", spec.name, spec.len());
    }

    // The same architecture as a file that every command of phew reads.
    let toml = arch.to_toml();
    assert_eq!(&Arch::from_toml(&toml, "the example")?, arch.as_ref());
    println!("{toml}");
    Ok(())
}
