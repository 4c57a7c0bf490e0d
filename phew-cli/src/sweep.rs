//! Sweeps: a plan of cells, the jobs that they consist of, and engines that run them.
//!
//! A plan ([`plan`]) expands to cells ([`cell`]), a cell is wired from jobs ([`graph`]), and a job is one of phew's own
//! commands with an identity that follows from all that decides its result ([`job`]). Results lie in a [`store`]. The
//! engines are this machine ([`run`]), a list of commands and Slurm.

mod cell;
mod condition;
mod display;
mod folder;
mod graph;
mod input;
mod job;
mod job_maker;
mod list;
mod measures;
mod plan;
mod probe;
mod recipe;
mod run;
mod slots;
mod slurm;
mod store;
mod tool;
mod value;
mod wiring;

pub(crate) use cell::cells;
pub use condition::Condition;
pub(crate) use condition::Conditions;
pub(crate) use folder::{Folder, needed};
pub(crate) use graph::{CellJobs, Graph};
pub(crate) use job::Job;
pub(crate) use list::list;
pub(crate) use measures::MEASURES;
pub(crate) use plan::Plan;
pub(crate) use probe::{Estimate, estimate};
pub(crate) use run::{How, Outcome, run};
pub(crate) use slurm::{Submitted, submit};
pub(crate) use store::{Done, State, Store, write_text};
pub(crate) use value::{NONE, flat};
