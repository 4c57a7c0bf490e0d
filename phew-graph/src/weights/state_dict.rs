//! State dicts as people save them: with a prefix before all names, as pruned pairs, under weight norm, in other number
//! types, without statistics, with a tied tensor under each of its names.

use std::collections::{BTreeMap, BTreeSet};

use super::storage::Values;
use crate::arch::{Arch, TensorShape, TensorSpec};
use crate::error::{GraphError, list};
use crate::safetensors::{Stored, TensorFile};

/// A file of tensors, read as a state dict of an architecture.
#[derive(Debug)]
pub(super) struct StateDict<'a> {
    file: &'a TensorFile,
    /// What stands before all names: `module.` and the like.
    prefix: String,
    /// By the name of a tensor that operators share, those that it may have besides.
    others: BTreeMap<String, Vec<String>>,
}

/// How a tensor of the architecture lies in the file.
enum Form {
    /// Under its own name.
    Plain(String),
    /// As `torch.nn.utils.prune` keeps it: the weight, and a mask of 0 and 1.
    Pruned { original: String, mask: String },
    /// As PyTorch's weight norm keeps it: lengths and directions of the rows.
    WeightNorm { lengths: String, directions: String },
}

impl Form {
    /// How the tensor lies there, if it does.
    fn of(file: &TensorFile, prefix: &str, name: &str) -> Option<Self> {
        let plain = format!("{prefix}{name}");
        if file.contains(&plain) {
            return Some(Self::Plain(plain));
        }
        let pair = |first: String, second: String| {
            (file.contains(&first) && file.contains(&second)).then_some((first, second))
        };
        if let Some((original, mask)) = pair(format!("{plain}_orig"), format!("{plain}_mask")) {
            return Some(Self::Pruned { original, mask });
        }
        let (stem, last) = plain.rsplit_once('.').unwrap_or(("", &plain));
        let parametrised = |i: u8| format!("{stem}.parametrizations.{last}.original{i}");
        let norm = pair(format!("{plain}_g"), format!("{plain}_v"));
        let norm = norm.or_else(|| pair(parametrised(0), parametrised(1)));
        norm.map(|(lengths, directions)| Self::WeightNorm { lengths, directions })
    }

    /// The names in the file.
    fn parts(&self) -> Vec<&str> {
        match self {
            Self::Plain(name) => vec![name],
            Self::Pruned { original, mask } => vec![original, mask],
            Self::WeightNorm { lengths, directions } => vec![lengths, directions],
        }
    }
}

impl<'a> StateDict<'a> {
    /// Finds out what stands before the names of the architecture: nothing, if any of its weights is there so.
    pub(super) fn new(file: &'a TensorFile, arch: &Arch) -> Self {
        let specs = arch.prunable();
        let all = specs.iter().chain(arch.auxiliary());
        let others = all.map(|spec| (spec.name.clone(), arch.other_names(spec)));
        let others: BTreeMap<String, Vec<String>> =
            others.filter(|(_, others)| !others.is_empty()).collect();
        let fits = |prefix: &str, spec: &TensorSpec| {
            let other = || others.get(&spec.name).into_iter().flatten();
            let mut names = std::iter::once(&spec.name).chain(other());
            names.any(|name| Form::of(file, prefix, name).is_some())
        };
        let mut prefixes = BTreeSet::new();
        if !specs.iter().any(|spec| fits("", spec)) {
            for name in file.names() {
                let before = |spec: &TensorSpec| {
                    let ends = [
                        spec.name.clone(),
                        format!("{}_orig", spec.name),
                        format!("{}_v", spec.name),
                    ];
                    ends.iter().find_map(|end| name.strip_suffix(end.as_str()).map(str::to_owned))
                };
                prefixes.extend(specs.iter().next().and_then(before));
            }
        }
        prefixes
            .retain(|prefix| prefix.ends_with('.') && specs.iter().all(|spec| fits(prefix, spec)));
        // Of several that fit none is the right one for certain.
        let only = if prefixes.len() == 1 { prefixes.pop_first() } else { None };
        Self { file, prefix: only.unwrap_or_default(), others }
    }

    /// The names of the file as the architecture would have them: without the prefix, a pair under its plain name.
    pub(super) fn names(&self, arch: &Arch) -> Vec<String> {
        let mut names: BTreeSet<String> = self.file.names().into_iter().collect();
        for spec in arch.prunable().iter().chain(arch.auxiliary()) {
            for form in self.forms(spec) {
                form.parts().into_iter().for_each(|part| _ = names.remove(part));
                names.insert(format!("{}{}", self.prefix, spec.name));
            }
        }
        let plain =
            |name: String| name.strip_prefix(&self.prefix).map(str::to_owned).unwrap_or(name);
        names.into_iter().map(plain).collect()
    }

    /// The values of a tensor of the architecture, if the file has it.
    ///
    /// # Errors
    /// [`GraphError::Untied`] if the file has different ones under the names of a tensor that operators share.
    pub(super) fn values(&self, spec: &TensorSpec) -> Result<Option<Values>, GraphError> {
        let forms = self.forms(spec);
        let Some((first, others)) = forms.split_first() else { return Ok(None) };
        let values = self.values_of(spec, first)?;
        for other in others {
            let same = self.values_of(spec, other)?;
            if values.as_ref().map(|v| &v[..]) != same.as_ref().map(|v| &v[..]) {
                let (origin, name) = (self.file.origin(), first.parts()[0].to_owned());
                return Err(GraphError::Untied {
                    origin,
                    name,
                    other: other.parts()[0].to_owned(),
                });
            }
        }
        Ok(values)
    }

    fn values_of(&self, spec: &TensorSpec, form: &Form) -> Result<Option<Values>, GraphError> {
        let read = |name: &str, shape: &TensorShape| match self.file.stored(name) {
            Some(tensor) => tensor.held_f32s(shape),
            None => Ok(Vec::new()),
        };
        Ok(Some(match form {
            Form::Plain(name) => match self.file.stored(name) {
                Some(tensor) => values(spec, &tensor)?,
                None => return Ok(None),
            },
            Form::Pruned { original, mask } => {
                let mut weights = read(original, &spec.shape)?;
                if let Some(mask) = self.file.stored(mask) {
                    let kept = mask.held_bools(&spec.shape)?;
                    let pruned = weights.iter_mut().zip(kept).filter(|(_, kept)| *kept == 0);
                    pruned.for_each(|(w, _)| *w = 0.0);
                }
                weights.into()
            }
            Form::WeightNorm { lengths, directions } => {
                // Its rows are those of the file.
                let whole: TensorShape = spec.shape.in_files().into();
                let mut shape = vec![1; whole.len()];
                shape[0] = whole[0];
                let lengths = read(lengths, &shape.into())?;
                let mut weights = read(directions, &whole)?;
                let row = weights.len() / lengths.len().max(1);
                for (row, &length) in weights.chunks_mut(row.max(1)).zip(&lengths) {
                    let norm = row.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>().sqrt();
                    row.iter_mut()
                        .for_each(|v| *v = (f64::from(length) * f64::from(*v) / norm) as f32);
                }
                spec.shape.to_memory(&weights).into_owned().into()
            }
        }))
    }

    /// What was read otherwise than as it stands, a sentence each.
    pub(super) fn notes(&self, arch: &Arch) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.prefix.is_empty() {
            notes.push(format!("the names begin with `{}`, which is passed over", self.prefix));
        }
        let (mut pruned, mut normed, mut fresh) = (Vec::new(), Vec::new(), Vec::new());
        let mut types: BTreeSet<String> = BTreeSet::new();
        for spec in arch.prunable().iter().chain(arch.auxiliary()) {
            let form = self.forms(spec).into_iter().next();
            match &form {
                Some(Form::Plain(_)) => {}
                Some(Form::Pruned { .. }) => pruned.push(&spec.name),
                Some(Form::WeightNorm { .. }) => normed.push(&spec.name),
                None => fresh.push(&spec.name),
            }
            let stored =
                form.iter().flat_map(Form::parts).filter_map(|part| self.file.stored(part));
            types.extend(stored.filter_map(|tensor| tensor.other_float()));
        }
        let mut add = |names: &[&String], what: &str| {
            if !names.is_empty() {
                notes.push(format!("{} {what}", list(names)));
            }
        };
        add(&pruned, "stand as weight and mask: pruned weights are 0");
        add(&normed, "stand under weight norm, which is multiplied out");
        add(&fresh, "are missing: normalisation begins with its initial values there");
        if !types.is_empty() {
            let types = types.into_iter().collect::<Vec<_>>().join(", ");
            notes.push(format!("values of {types} are taken as F32"));
        }
        notes
    }

    /// How a tensor lies in the file: under its name, and under those that it may have besides.
    fn forms(&self, spec: &TensorSpec) -> Vec<Form> {
        let others = self.others.get(&spec.name).into_iter().flatten();
        let names = std::iter::once(&spec.name).chain(others);
        names.filter_map(|name| Form::of(self.file, &self.prefix, name)).collect()
    }
}

/// The values of a stored tensor: a window onto the file, or a copy where they do not begin as an f32 may or lie in another
/// order.
pub(super) fn values(spec: &TensorSpec, stored: &Stored<'_>) -> Result<Values, GraphError> {
    Ok(match stored.window(&spec.shape)? {
        Some(window) => Values::File(window),
        None => stored.held_f32s(&spec.shape)?.into(),
    })
}
