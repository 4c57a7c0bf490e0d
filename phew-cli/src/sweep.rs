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
mod measures;
mod plan;
mod recipe;
mod run;
mod slots;
mod store;
mod tool;
mod value;

pub(crate) use condition::Conditions;
pub(crate) use folder::{Folder, levels, needed};
pub(crate) use graph::{CellJobs, Graph};
pub(crate) use job::Job;
pub(crate) use measures::MEASURES;
pub(crate) use plan::Plan;
pub(crate) use run::{How, Outcome, run};
pub(crate) use store::{Done, State, Store, write_text};
