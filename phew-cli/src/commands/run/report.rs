//! What was run, in words and as JSON.

use std::path::PathBuf;

use serde::Serialize;

use crate::command::Report;
use crate::output::{counted, grouped, percent};

/// What was run.
#[derive(Clone, Debug, Serialize)]
pub struct RunReport {
    /// Name of the architecture.
    pub arch: String,
    /// Weights that were computed with.
    pub kept: usize,
    /// Prunable weights.
    pub prunable: usize,
    /// Inputs.
    pub inputs: usize,
    /// The shape of the tensor of results.
    pub shape: Vec<usize>,
    /// What was right of it, if the inputs were a set's test images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<TestReport>,
    /// The file with the results, in which they are called `output`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<PathBuf>,
}

/// Means over the test images of a data set.
#[derive(Clone, Debug, Serialize)]
pub struct TestReport {
    /// The set.
    pub data: String,
    /// Cross-entropy, or mean square error where images are to be made.
    pub loss: f64,
    /// Share of images whose class has the greatest output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top1: Option<f64>,
    /// Share of images whose class is among the five greatest outputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top5: Option<f64>,
}

impl Report for RunReport {
    fn text(&self) -> String {
        let mut text = format!(
            "{}: {} of {} weights, {}\n",
            self.arch,
            grouped(self.kept),
            grouped(self.prunable),
            counted(self.inputs, "input"),
        );
        if let Some(test) = &self.test {
            text.push_str(&test.text());
        }
        if let Some(file) = &self.output {
            text.push_str(&format!("output {:?} in {}\n", self.shape, file.display()));
        }
        text
    }
}

impl TestReport {
    fn text(&self) -> String {
        let mut text = format!("{}: loss {:.4}", self.data, self.loss);
        for (share, what) in [(self.top1, "right"), (self.top5, "among the first five")] {
            if let Some(share) = share {
                text.push_str(&format!(", {} {what}", percent(share)));
            }
        }
        text + "\n"
    }
}
