//! How much is kept: densities, or sparsities.

use clap::Args;

/// How much to keep.
#[derive(Debug, Args)]
pub(crate) struct DensityArgs {
    /// Share of the prunable weights to keep, above 0 and at most 1; several as in 0.01,0.05,0.2 give a mask each.
    /// Walks and paths are kept whole; those of method phew are nested
    #[arg(long, help_heading = HEADING, value_name = "SHARE", value_delimiter = ',')]
    density: Vec<f64>,

    /// Share to prune instead: 1 − density
    #[arg(long, help_heading = HEADING, value_name = "SHARE", value_delimiter = ',', conflicts_with = "density")]
    sparsity: Vec<f64>,
}

/// Where the options that all methods have stand in the help.
pub(crate) const HEADING: &str = "Pruning";

impl DensityArgs {
    /// The densities, in the order of the command line.
    pub(crate) fn densities(&self) -> Vec<f64> {
        match &self.sparsity[..] {
            [] => self.density.clone(),
            sparsities => sparsities.iter().map(|&sparsity| kept(sparsity)).collect(),
        }
    }
}

/// 1 − sparsity, as it would be written: 0.05 for 0.95, where the difference of the two numbers is a little more.
fn kept(sparsity: f64) -> f64 {
    let density = 1.0 - sparsity;
    format!("{density:.12}").parse().unwrap_or(density)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparsity_gives_the_density_that_one_would_write() {
        let written = [(0.95, 0.05), (0.98, 0.02), (0.5, 0.5), (0.9999, 0.0001), (0.0, 1.0)];
        for (sparsity, density) in written {
            assert!(kept(sparsity).to_bits() == f64::to_bits(density), "{sparsity}");
        }
        assert!(kept(f64::NAN).is_nan());
    }
}
