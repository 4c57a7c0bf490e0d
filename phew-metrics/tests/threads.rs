//! The same bytes on any number of threads.

use phew_graph::{Init, Network, SkipPolicy, TensorId, zoo};
use phew_metrics::{Analysis, Objective, Paths};
use phew_walk::{Bias, Starts, WalkParams, prune};

#[test]
fn metrics_are_the_same_bytes_on_one_thread_and_on_many() {
    let arch = zoo::by_name("resnet20").unwrap().build().unwrap();
    let network = Network::initialise(arch, Init::default(), 0).unwrap();
    let mask = prune(&network, &WalkParams::new(0.05).unwrap()).unwrap().mask;
    let measure = || {
        let analysis = Analysis::new(&network, Some(&mask)).unwrap();
        let trace = analysis.path_kernel_trace().unwrap();
        let walks = analysis.walks(Bias::Magnitude, SkipPolicy::Uniform);
        let worth = walks.worth(Starts::Balanced);
        (
            analysis.ln_path_count(Paths::Kept).to_bits(),
            analysis.ln_objective(Objective::SynFlow).to_bits(),
            trace.ln_total().to_bits(),
            trace.shares(TensorId::new(3)),
            worth.ln_kernel.to_bits(),
            worth.ln_product.to_bits(),
            walks.visits(Starts::Balanced).units(),
        )
    };
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(measure)
    };
    let one = on(1);
    assert_eq!(one, on(2));
    assert_eq!(one, on(5));
}
