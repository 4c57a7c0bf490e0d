//! The commands, one file each. To add one: its file, and here its module, its place in the table and its export.

mod archs;
mod compare;
mod completions;
#[cfg(feature = "train")]
mod data;
mod doctor;
mod init;
mod inspect;
mod man;
#[cfg(feature = "train")]
mod measure;
mod node_path;
mod plot;
mod prune;
mod report;
#[cfg(feature = "train")]
mod train;
mod transform;
mod verify;

use crate::command::{Entry, entry};

pub use archs::{Archs, ArchsReport, Counts, KnownNetwork};
pub use compare::{Compare, CompareReport, ComparedLayer, ComparedMask, ComparedPair};
pub use completions::{Completions, CompletionsReport};
#[cfg(feature = "train")]
pub use data::{Data, DataReport, Description, KnownSet};
pub use doctor::{Doctor, DoctorReport, LibtorchReport};
pub use init::{Init, InitReport};
pub use inspect::{Inspect, InspectReport, Metrics};
pub use man::{Man, ManReport};
#[cfg(feature = "train")]
pub use measure::{Gradient, Jacobian, Kernel, Measure, MeasureReport, Measures};
pub use node_path::{BalanceOfLayer, BalanceOfMask, NodePath, NodePathReport};
pub use plot::{Plot, PlotReport};
pub use prune::{How, Job, KnownMethod, Prune, PruneReport, PrunedMask};
pub use report::{Report, ReportReport};
#[cfg(feature = "train")]
pub use train::{Results, Train, TrainReport};
pub use transform::{
    Corrected, CorrectedLayer, Drawn, DrawnLayer, MaskChange, Transform, TransformReport,
};
pub use verify::{Verify, VerifyReport};

/// All commands, in the order of `phew help`.
pub(crate) const COMMANDS: &[Entry] = &[
    entry::<init::Init>(),
    entry::<prune::Prune>(),
    entry::<inspect::Inspect>(),
    entry::<compare::Compare>(),
    entry::<transform::Transform>(),
    entry::<node_path::NodePath>(),
    #[cfg(feature = "train")]
    entry::<train::Train>(),
    #[cfg(feature = "train")]
    entry::<measure::Measure>(),
    #[cfg(feature = "train")]
    entry::<data::Data>(),
    entry::<plot::Plot>(),
    entry::<report::Report>(),
    entry::<verify::Verify>(),
    entry::<archs::Archs>(),
    entry::<doctor::Doctor>(),
    entry::<completions::Completions>(),
    entry::<man::Man>(),
];
