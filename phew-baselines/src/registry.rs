//! All rivals by name: what each is, what it needs, and how it is built.

mod list;

use std::fmt;

use crate::allocation::Allocation;
use crate::error::BaselineError;
use crate::oracle::{HessianGradient, Oracle, Parameters};
use crate::prune::{Plan, Scorer};
use crate::schedule::Schedule;
use crate::scorers::{
    Grasp, GraspOrder, Inverted, Magnitude, NtkSap, Px, PxSaliency, Random, Saliency, Snip,
    SpatialSynFlow, SynFlow,
};
use list::METHODS;

/// What a method asks for beyond an architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Needs {
    /// Nothing but the architecture.
    Nothing,
    /// The initial weights.
    Weights,
    /// Gradients on data: [`Oracle::gradient`].
    Gradients,
    /// Hessian-gradient products on data: [`Oracle::hessian_gradient`].
    HessianGradients,
    /// Gradients on random inputs: [`Oracle::perturbation`].
    Perturbations,
    /// Active paths on data: [`Oracle::path_activation`].
    PathActivations,
    /// A pass through the real layers: [`Oracle::ones_pass`].
    OnesPass,
}

impl Needs {
    /// Whether an [`Oracle`] must be given.
    #[must_use]
    pub fn oracle(self) -> bool {
        !matches!(self, Needs::Nothing | Needs::Weights)
    }
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Needs::Nothing => "nothing",
            Needs::Weights => "initial weights",
            Needs::Gradients => "gradients on data",
            Needs::HessianGradients => "Hessian-gradient products on data",
            Needs::Perturbations => "gradients on random inputs",
            Needs::PathActivations => "active paths on data",
            Needs::OnesPass => "a pass through the real layers",
        })
    }
}

/// An option that not every method has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Extra {
    /// `draws` and `epsilon`.
    Perturbation,
    /// `temperature` and `parameters`.
    Hessian,
}

/// A method of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MethodInfo {
    /// Its name.
    pub name: &'static str,
    /// What it keeps, in a line.
    pub summary: &'static str,
    /// What it needs.
    pub needs: Needs,
    /// Where it comes from.
    pub paper: &'static str,
    /// Schedule unless another is asked for; parses as [`Schedule`].
    pub schedule: &'static str,
    /// Allocation unless another is asked for; parses as [`Allocation`].
    pub allocation: &'static str,
    extra: Option<Extra>,
}

impl MethodInfo {
    /// Which saliency a SynFlow or PX method takes, for the metadata.
    fn saliency(&self) -> Option<&'static str> {
        match self.name {
            "synflow" | "synflow-spatial" => Some("|w| dR/d|w|"),
            "synflow-l2" | "synflow-l2-spatial" => Some("|w| dR/d(w^2)"),
            "synflow-l2-conserved" | "px" => Some("w^2 dR/d(w^2)"),
            "px-program" => Some("w^2 (dR/d(w^2))^2"),
            _ => None,
        }
    }

    /// Options of its own with their defaults, for a listing; all methods take a schedule, an allocation, inversion
    /// and a seed.
    #[must_use]
    pub fn options(&self) -> &'static str {
        match self.extra {
            None => "",
            Some(Extra::Perturbation) => "draws 1, epsilon 0.01",
            Some(Extra::Hessian) => "temperature 200, parameters weights",
        }
    }
}

/// All methods, in the order of a listing.
#[must_use]
pub fn methods() -> &'static [MethodInfo] {
    METHODS
}

/// What may be asked of a method; `None` is its default.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Options {
    /// Schedule.
    pub schedule: Option<Schedule>,
    /// Allocation.
    pub allocation: Option<Allocation>,
    /// Keep the worst instead of the best.
    pub invert: bool,
    /// NTK-SAP: batches a step.
    pub draws: Option<usize>,
    /// NTK-SAP: size of the perturbation.
    pub epsilon: Option<f64>,
    /// GraSP: what logits are divided by.
    pub temperature: Option<f64>,
    /// GraSP: what gradients run over.
    pub parameters: Option<Parameters>,
}

/// A method, ready for [`crate::prune`].
pub struct Method<'o> {
    /// What it is.
    pub info: &'static MethodInfo,
    /// Its score.
    pub scorer: Box<dyn Scorer + 'o>,
    /// How far, how shared out, in which steps.
    pub plan: Plan,
    /// All parameters by name, defaults included, for the metadata of a mask.
    pub parameters: Vec<(&'static str, String)>,
}

impl fmt::Debug for Method<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Method")
            .field("info", &self.info)
            .field("plan", &self.plan)
            .field("parameters", &self.parameters)
            .finish_non_exhaustive()
    }
}

/// Looks a method up.
///
/// # Errors
/// [`BaselineError::Parameter`] naming all methods.
pub fn find(name: &str) -> Result<&'static MethodInfo, BaselineError> {
    METHODS.iter().find(|m| m.name == name).ok_or_else(|| {
        let names: Vec<&str> = METHODS.iter().map(|m| m.name).collect();
        let expected = format!("one of {}", names.join(", "));
        BaselineError::parameter("method", format!("`{name}`"), expected)
    })
}

/// Builds a method by name.
///
/// # Errors
/// [`BaselineError::Parameter`] if there is no such method or it does not have an option that was given,
/// [`BaselineError::NeedsOracle`] if it asks about data and no oracle is given.
pub fn method<'o>(
    name: &str,
    density: f64,
    seed: u64,
    options: &Options,
    oracle: Option<Box<dyn Oracle + 'o>>,
) -> Result<Method<'o>, BaselineError> {
    let info = find(name)?;
    check(info, options)?;
    let schedule = match &options.schedule {
        Some(schedule) => schedule.clone(),
        None => info.schedule.parse()?,
    };
    let allocation = match &options.allocation {
        Some(allocation) => allocation.clone(),
        None => info.allocation.parse()?,
    };
    let mut parameters = vec![
        ("allocation", allocation.to_string()),
        ("inverted", options.invert.to_string()),
        ("schedule", schedule.to_string()),
    ];
    if let Some(saliency) = info.saliency() {
        parameters.push(("saliency", saliency.into()));
    }
    let scorer = scorer(info, seed, options, oracle, &mut parameters)?;
    let scorer = if options.invert { Box::new(Inverted(scorer)) } else { scorer };
    let plan = Plan { density, allocation, schedule };
    Ok(Method { info, scorer, plan, parameters })
}

/// Refuses options that the method would ignore.
fn check(info: &MethodInfo, options: &Options) -> Result<(), BaselineError> {
    let given = [
        ("draws", options.draws.is_some(), Extra::Perturbation),
        ("epsilon", options.epsilon.is_some(), Extra::Perturbation),
        ("temperature", options.temperature.is_some(), Extra::Hessian),
        ("parameters", options.parameters.is_some(), Extra::Hessian),
    ];
    match given.iter().find(|(_, given, of)| *given && info.extra != Some(*of)) {
        Some((option, ..)) => {
            let found = format!("given for `{}`", info.name);
            Err(BaselineError::parameter(option, found, "a method that has this option"))
        }
        None => in_range(options),
    }
}

/// Refuses numbers that make no sense, before anything is read.
fn in_range(options: &Options) -> Result<(), BaselineError> {
    let positive = |name: &'static str, value: Option<f64>| match value {
        Some(x) if !(x > 0.0 && x.is_finite()) => {
            Err(BaselineError::parameter(name, x, "a positive number"))
        }
        _ => Ok(()),
    };
    positive("temperature", options.temperature)?;
    positive("epsilon", options.epsilon)?;
    match options.draws {
        Some(0) => Err(BaselineError::parameter("draws", 0, "at least 1")),
        _ => Ok(()),
    }
}

fn scorer<'o>(
    info: &MethodInfo,
    seed: u64,
    options: &Options,
    oracle: Option<Box<dyn Oracle + 'o>>,
    parameters: &mut Vec<(&'static str, String)>,
) -> Result<Box<dyn Scorer + 'o>, BaselineError> {
    let ask = || oracle.ok_or(BaselineError::NeedsOracle { method: info.name, needs: info.needs });
    Ok(match info.name {
        "magnitude" => Box::new(Magnitude),
        "synflow" => Box::new(SynFlow::new(Saliency::L1)),
        "synflow-l2" => Box::new(SynFlow::new(Saliency::L2)),
        "synflow-l2-conserved" => Box::new(SynFlow::new(Saliency::L2Conserved)),
        "synflow-spatial" => Box::new(SpatialSynFlow::new(ask()?, Saliency::L1)),
        "synflow-l2-spatial" => Box::new(SpatialSynFlow::new(ask()?, Saliency::L2)),
        "snip" | "snip-iterative" | "force" => Box::new(Snip(ask()?)),
        "grasp" | "grasp-inverted" | "grasp-magnitude" => {
            let order = match info.name {
                "grasp" => GraspOrder::Highest,
                "grasp-inverted" => GraspOrder::Lowest,
                _ => GraspOrder::Magnitude,
            };
            let default = HessianGradient::default();
            let how = HessianGradient {
                temperature: options.temperature.unwrap_or(default.temperature),
                parameters: options.parameters.unwrap_or(default.parameters),
            };
            parameters.push(("parameters", how.parameters.to_string()));
            parameters.push(("temperature", how.temperature.to_string()));
            Box::new(Grasp::new(ask()?, order).with(how))
        }
        "ntk-sap" => {
            let (draws, epsilon) = (options.draws.unwrap_or(1), options.epsilon.unwrap_or(0.01));
            parameters.push(("draws", draws.to_string()));
            parameters.push(("epsilon", epsilon.to_string()));
            Box::new(NtkSap::new(ask()?, seed).draws(draws).epsilon(epsilon))
        }
        "px" => Box::new(Px::new(ask()?, PxSaliency::Conserved)),
        "px-program" => Box::new(Px::new(ask()?, PxSaliency::Program)),
        // The random ones differ by their allocation alone.
        _ => Box::new(Random { seed }),
    })
}
