//! Options of the sampler that are a choice among a few.

/// What a walk keeps of a kernel that it passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Granularity {
    /// The one scalar weight drawn.
    #[default]
    Weight,
    /// All scalars of the kernel.
    Kernel,
}

phew_graph::choice! {
    Granularity, "granularity":
    Weight => "weight", "One weight",
    Kernel => "kernel", "The whole kernel",
}

/// Where walks start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Starts {
    /// Forward and reverse walks in turn, round robin over the input and over the output units.
    #[default]
    Balanced,
    /// Forward walks only, round robin over the input units.
    Forward,
    /// Reverse walks only, round robin over the output units.
    Reverse,
    /// Forward and reverse walks in turn, each from a unit drawn uniformly.
    Random,
}

phew_graph::choice! {
    Starts, "starts":
    Balanced => "balanced", "Forward and reverse in turn, round robin",
    Forward => "forward", "Inputs only",
    Reverse => "reverse", "Outputs only",
    Random => "random", "Forward and reverse in turn, from a random unit",
}

/// What draws the walks. Both have exactly the same law.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Engine {
    /// [`Engine::Bulk`] where the target is at least 200,000 weights, and at least the number of kernels or a
    /// density of 30 %, and every unit has some score onwards; [`Engine::Walk`] otherwise. The choice depends on
    /// the architecture, the weights and the density alone.
    #[default]
    Auto,
    /// Walk by walk: walk `i` depends on the weights, the seed and `i` alone, so masks of one seed are nested as
    /// the density grows, also between separate calls.
    Walk,
    /// Whole batches of walks drawn as counts, layer by layer, until the target is near, then walk by walk. Many
    /// times faster at high densities. Masks are nested within one call, not between calls.
    Bulk,
}

phew_graph::choice! {
    Engine, "engine":
    Auto => "auto", "Batches from 200,000 weights on, if these are at least as many as the kernels or 30 % of all",
    Walk => "walk", "Walk by walk: masks of one seed are nested between calls too",
    Bulk => "bulk", "In batches",
}
