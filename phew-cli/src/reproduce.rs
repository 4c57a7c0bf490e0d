//! Reproductions: figures and tables of papers as plans of a sweep, at three scales, and how they are drawn.
//!
//! A description ([`description`]) lies in `reproductions/` and comes with the program ([`files`]). A scale is laid over its
//! plans ([`parts`]), data sets are put in place of others ([`substitute`]), and plans, results, figures and the page lie in
//! one folder ([`folder`]).

#[cfg(feature = "train")]
mod data_sets;
mod description;
mod files;
mod folder;
mod parts;
mod substitute;

#[cfg(feature = "train")]
pub(crate) use data_sets::check_data;
pub(crate) use description::{Reproduction, Scale};
pub(crate) use folder::{Made, Progress, Request, progress, usual};
pub(crate) use substitute::Substitute;
