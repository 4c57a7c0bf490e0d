//! What came out of a sweep, as tables: a row for each cell, summaries over seeds, paired differences, curves.

mod csv;
mod gather;
mod numbers;
mod pairs;
mod rows;
mod statistics;
mod summary;
mod tables;

pub(crate) use gather::gather;
pub use pairs::{Pair, pairs};
pub use rows::{ROWS_SCHEMA, Row, Rows};
pub use statistics::{Sample, sign_test, student_two_sided};
pub use summary::{Summary, is_seed, summaries};
pub(crate) use tables::write_tables;
