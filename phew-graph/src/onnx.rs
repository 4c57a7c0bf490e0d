//! ONNX: a graph of operators with its weights, as a program of `ATen`'s operators.
//!
//! `model.rs` is the format, `tensors.rs` finds the weights, `parameters.rs` names them, `constant.rs` computes what a file
//! computes of sizes and fixed numbers. `graph.rs` goes through the operators; each is written by a function of the table in
//! `operators.rs` as calls of PyTorch's, which `import` then translates like those of a `.pt2`. So every operator has one
//! translation.
//!
//! # References
//! Open Neural Network Exchange, IR version 7 and later, operator sets 13 and later.

mod constant;
mod file;
mod graph;
mod known;
mod model;
mod names;
mod operators;
mod parameters;
mod tensors;

pub(crate) use file::OnnxFile;
