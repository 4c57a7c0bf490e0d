//! `phew prune --method phew`: walks, and what they report.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Instant;

use phew_graph::{Network, PathGraph, read_scores};
use phew_walk::{Engine, WalkError, WalkParams, Walked, prune_nested};
use serde_json::Value;

use super::job::Job;
use super::report::{How, PrunedMask};
use crate::failure::{Interrupted, usage};
use crate::interrupt;
use crate::layers::Layers;
use crate::output::grouped;
use crate::progress;

impl Job {
    pub(super) fn walk(&self) -> anyhow::Result<Vec<PrunedMask>> {
        let params = self.walk.apply(WalkParams::nested(&self.density)?.seed(self.seed));
        let outputs: Vec<(f64, PathBuf)> = self.outputs();
        if let Some(twice) = outputs.windows(2).find(|w| w[0].1 == w[1].1) {
            return Err(usage(format!("density {} is given twice", twice[0].0)));
        }
        for (_, path) in &outputs {
            self.output.check_path(path)?;
        }
        let clock = Instant::now();
        let (network, source) = self.weights.load(self.arch.load()?, self.seed)?;
        let load = clock.elapsed().as_secs_f64();
        let walked = match &self.walk.scores {
            None => walk(&network, &params)?,
            // Walks look at nothing but the weights' magnitudes: scores take their place.
            Some(path) => {
                let scores = read_scores(path, network.arch())?;
                walk(&network.with_arrays(scores)?, &params)?
            }
        };
        interrupt::check()?;
        let graph = PathGraph::new(network.arch());
        let mut masks = Vec::with_capacity(walked.len());
        for ((density, path), Walked { mask, report }) in outputs.into_iter().zip(&walked) {
            let clock = Instant::now();
            let info = self.info(&network, &source, density, self.recorded(report.engine));
            mask.save(&path, &info, self.output.overwrite())?;
            let write = clock.elapsed().as_secs_f64();
            let (tables, walks) = (report.tables.as_secs_f64(), report.sampling.as_secs_f64());
            let how = How::Walks {
                target: report.target,
                walks: report.walks,
                bulk_walks: report.bulk_walks,
                overshoot: report.overshoot,
                walks_per_second: report.walks as f64 / walks,
                weights_per_second: mask.kept() as f64 / walks,
            };
            let phases =
                vec![("load", load), ("tables", tables), ("walks", walks), ("write", write)];
            let layers = (Layers::new(&graph, mask), mask);
            masks.push(PrunedMask::new(info, source.to_string(), layers, how, phases, path));
        }
        Ok(masks)
    }

    /// The densities in ascending order, each with its file: the one named, or one for each density.
    fn outputs(&self) -> Vec<(f64, PathBuf)> {
        let output = &self.output.output;
        let mut densities = self.density.clone();
        densities.sort_by(f64::total_cmp);
        if let [density] = densities[..] {
            return vec![(density, output.clone())];
        }
        let part = |part: Option<&OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        let (stem, extension) = (part(output.file_stem()), part(output.extension()));
        let dot = if extension.is_empty() { "" } else { "." };
        let name = |d: f64| output.with_file_name(format!("{stem}-{d}{dot}{extension}"));
        densities.into_iter().map(|d| (d, name(d))).collect()
    }

    /// The walks' parameters, as the mask records them.
    fn recorded(&self, engine: Engine) -> BTreeMap<String, Value> {
        let mut parameters = self.walk.parameters();
        let engine = if engine == Engine::Bulk { "bulk" } else { "walk" };
        parameters.insert("engine".into(), engine.into());
        if let Some(path) = &self.walk.scores {
            parameters.insert("bias".into(), "scores".into());
            parameters.insert("scores".into(), path.display().to_string().into());
        }
        if self.density.len() > 1 {
            // In batches the smaller densities shape what is drawn for the greater ones.
            parameters.insert("densities".into(), self.density.clone().into());
        }
        parameters
    }
}

/// Walks under a progress bar; Ctrl-C stops between two rounds.
fn walk(network: &Network, params: &WalkParams) -> anyhow::Result<Vec<Walked>> {
    let bar = progress::bar(0, "walking", "weights kept");
    let walked = prune_nested(network, params, |p| {
        bar.set_length(p.target as u64);
        bar.set_position(p.kept as u64);
        bar.set_message(format!("· {} walks", grouped(p.walks)));
        interrupt::flow()
    });
    bar.finish_and_clear();
    walked.map_err(|e| match e {
        WalkError::Stopped { .. } => Interrupted.into(),
        other => other.into(),
    })
}
