//! What came out of a sweep, as tables: a row for each cell, summaries over seeds, paired differences, curves.

mod rows;

pub use rows::{ROWS_SCHEMA, Row, Rows};
