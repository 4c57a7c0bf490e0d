//! The commands, one file each. To add one: its file, and here its module, its place in the table and its export.

mod archs;
mod bench;
mod collect;
pub(crate) mod compact;
pub(crate) mod compare;
mod completions;
pub(crate) mod data;
mod doctor;
mod import;
pub(crate) mod init;
pub(crate) mod inspect;
mod man;
mod mask;
#[cfg(feature = "train")]
pub(crate) mod measure;
mod node_path;
mod pack;
mod plot;
pub(crate) mod prune;
mod report;
mod reproduce;
mod run;
mod sweep;
#[cfg(feature = "train")]
pub(crate) mod train;
pub(crate) mod transform;
mod verify;

use crate::command::{Entry, entry};

pub use archs::{Archs, ArchsReport, Counts, KnownNetwork};
pub use bench::{Bench, BenchReport, LayerCost, Speed};
pub use collect::{Collect, CollectReport};
pub use compact::{Compact, CompactLayer, CompactReport, Savings};
pub use compare::{Compare, CompareReport, ComparedLayer, ComparedMask, ComparedPair};
pub use completions::{Completions, CompletionsReport};
pub use data::{Data, DataReport, Description, KnownSet, WrittenExamples};
pub use doctor::{Doctor, DoctorReport, LibtorchReport};
pub use import::{Import, ImportReport};
pub use init::{Init, InitReport};
pub use inspect::{Inspect, InspectReport, Metrics};
pub use man::{Man, ManReport};
pub use mask::{Checked, Converted, Mask, MaskReport};
#[cfg(feature = "train")]
pub use measure::{Gradient, Jacobian, Kernel, Measure, MeasureReport, Measures};
pub use node_path::{BalanceOfLayer, BalanceOfMask, NodePath, NodePathReport};
pub use pack::{Pack, PackReport};
pub use plot::{Plot, PlotReport};
pub use prune::{How, Job, KnownMethod, Prune, PruneReport, PrunedMask};
pub use report::{Report, ReportReport};
pub use reproduce::{KnownReproduction, KnownScale, Reproduce, ReproduceReport, Reproduced};
pub use run::{Run, RunReport, TestReport};
pub use sweep::{JobsOfKind, JobsOfTool, Sweep, SweepReport};
#[cfg(feature = "train")]
pub use train::{PlannedTraining, Results, Train, TrainReport};
pub use transform::{
    Corrected, CorrectedLayer, Drawn, DrawnLayer, MaskChange, Transform, TransformReport,
};
pub use verify::{Verify, VerifyReport};

/// The commands in the order of `phew help`, but for those that describe the command line itself: see
/// [`crate::cli`].
pub(crate) const COMMANDS: &[Entry] = &[
    entry::<init::Init>(),
    entry::<import::Import>(),
    entry::<prune::Prune>(),
    entry::<inspect::Inspect>(),
    entry::<compare::Compare>(),
    entry::<transform::Transform>(),
    entry::<mask::Mask>(),
    entry::<compact::Compact>(),
    entry::<pack::Pack>(),
    entry::<node_path::NodePath>(),
    entry::<run::Run>(),
    entry::<bench::Bench>(),
    #[cfg(feature = "train")]
    entry::<train::Train>(),
    #[cfg(feature = "train")]
    entry::<measure::Measure>(),
    entry::<data::Data>(),
    entry::<sweep::Sweep>(),
    entry::<collect::Collect>(),
    entry::<plot::Plot>(),
    entry::<report::Report>(),
    entry::<reproduce::Reproduce>(),
    entry::<verify::Verify>(),
    entry::<archs::Archs>(),
    entry::<doctor::Doctor>(),
];
