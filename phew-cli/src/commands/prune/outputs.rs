//! The files of several masks: one name for each density and seed.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::failure::usage;

/// Names files after what their masks were asked for.
///
/// `{density}` and `{seed}` in the name stand for it. Where there are several densities or seeds and the name does not
/// say which, they are added to its end, as in `mask-0.05-seed-3.safetensors`.
#[derive(Debug)]
pub(super) struct Outputs {
    template: String,
}

impl Outputs {
    /// From the name that was given.
    pub(super) fn new(output: &Path, densities: &[f64], seeds: &[u64]) -> anyhow::Result<Self> {
        let Some(mut template) = output.to_str().map(str::to_owned) else {
            // A name that is no text is taken as it is: there is nothing to put into it.
            return match (densities.len(), seeds.len()) {
                (0 | 1, 1) => Ok(Self { template: String::new() }),
                _ => Err(usage(format!("{}: expected a name in UTF-8", output.display()))),
            };
        };
        if densities.len() > 1 && !template.contains("{density}") {
            template = with_end(&template, "-{density}");
        }
        if seeds.len() > 1 && !template.contains("{seed}") {
            template = with_end(&template, "-seed-{seed}");
        }
        Ok(Self { template })
    }

    /// The file of a density and a seed.
    pub(super) fn path(&self, output: &Path, density: Option<f64>, seed: u64) -> PathBuf {
        if self.template.is_empty() {
            return output.to_owned();
        }
        let density = density.map(|density| density.to_string()).unwrap_or_default();
        let name = self.template.replace("{density}", &density);
        PathBuf::from(name.replace("{seed}", &seed.to_string()))
    }
}

/// A file's name with something between its stem and its extension.
fn with_end(name: &str, end: &str) -> String {
    let path = Path::new(name);
    let part = |part: Option<&OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let (stem, extension) = (part(path.file_stem()), part(path.extension()));
    let dot = if extension.is_empty() { "" } else { "." };
    path.with_file_name(format!("{stem}{end}{dot}{extension}")).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_which_density_and_seed_where_there_are_several() {
        let name = |given: &str, densities: &[f64], seeds: &[u64]| {
            let output = Path::new(given);
            let outputs = Outputs::new(output, densities, seeds).unwrap();
            outputs.path(output, densities.first().copied(), seeds[0]).display().to_string()
        };
        assert_eq!(name("a/m.st", &[0.1], &[3]), "a/m.st");
        assert_eq!(name("a/m.st", &[], &[3]), "a/m.st");
        assert_eq!(name("a/m.st", &[0.1, 0.2], &[3]), "a/m-0.1.st");
        assert_eq!(name("a.b/m", &[0.1, 0.2], &[3, 4]), "a.b/m-0.1-seed-3");
        assert_eq!(name("{seed}/m-{density}.st", &[0.1], &[3]), "3/m-0.1.st");
        assert_eq!(name("{seed}.st", &[0.1, 0.2], &[3, 4]), "3-0.1.st");
    }
}
