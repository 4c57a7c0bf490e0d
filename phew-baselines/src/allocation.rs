//! Allocations: how many weights each tensor keeps.

use std::fmt;
use std::str::FromStr;

use phew_graph::{Arch, Mask, TensorId, TensorSpec};

use crate::error::BaselineError;
use crate::select::Counts;
use crate::text::{join, numbers};

/// How the kept weights are shared out among the tensors.
///
/// All but [`Allocation::Global`] fix a density for each tensor from the architecture alone; counts are exact:
/// fractions are rounded down and what is missing goes to the largest remainders, of equal ones to the first.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Allocation {
    /// All scores compete with each other.
    #[default]
    Global,
    /// The same density everywhere.
    Uniform,
    /// Density proportional to `(n_in + n_out) / (n_in · n_out)`, at most 1 (Mocanu et al. 2018).
    ErdosRenyi,
    /// Density proportional to `(n_in + n_out + k_h + k_w) / (n_in · n_out · k_h · k_w)`, at most 1 (Evci et
    /// al. 2020).
    ErdosRenyiKernel,
    /// Ideal gas quotas: density `1 / (F · n + 1)` for a tensor of n weights, with the one F that fits
    /// (Vysogorets & Kempe 2023).
    IdealGas,
    /// Density proportional to the given values, at most 1: exactly these where their total is the plan's.
    Given(Vec<f64>),
}

impl Allocation {
    /// What each tensor keeps of `kept` weights; `candidates` bounds it.
    ///
    /// # Errors
    /// [`BaselineError::Parameter`] if given densities are not one non-negative number for each tensor, with
    /// room for `kept` weights.
    pub fn counts(
        &self,
        arch: &Arch,
        candidates: &Mask,
        kept: usize,
    ) -> Result<Counts, BaselineError> {
        match self {
            Allocation::Global => Ok(Counts::Global(kept)),
            _ => {
                let all: Vec<TensorId> = candidates.layers().ids().collect();
                Ok(Counts::PerTensor(self.counts_of(arch, candidates, &all, kept)?))
            }
        }
    }

    /// As [`Allocation::counts`], where some tensors have numbers of their own and the others keep `free` together.
    pub(crate) fn counts_beside(
        &self,
        arch: &Arch,
        candidates: &Mask,
        fixed: &[Option<usize>],
        free: usize,
    ) -> Result<Counts, BaselineError> {
        if *self == Allocation::Global {
            return Ok(Counts::Partly { fixed: fixed.to_vec(), free });
        }
        let open = candidates.layers().ids().zip(fixed).filter(|(_, fixed)| fixed.is_none());
        let open: Vec<TensorId> = open.map(|(tensor, _)| tensor).collect();
        let mut others = self.counts_of(arch, candidates, &open, free)?.into_iter();
        let counts = fixed.iter().map(|fixed| fixed.or_else(|| others.next()).unwrap_or(0));
        Ok(Counts::PerTensor(counts.collect()))
    }

    /// What each of some tensors keeps of `kept` weights of theirs.
    fn counts_of(
        &self,
        arch: &Arch,
        candidates: &Mask,
        tensors: &[TensorId],
        kept: usize,
    ) -> Result<Vec<usize>, BaselineError> {
        let specs: Vec<&TensorSpec> = tensors.iter().map(|&t| &arch.prunable()[t]).collect();
        let densities = self.densities_of(&specs, tensors, arch.prunable().len(), kept)?;
        let caps: Vec<usize> = tensors.iter().map(|&t| candidates.layer(t).kept()).collect();
        let shares: Vec<f64> =
            specs.iter().zip(&densities).map(|(s, d)| d * s.len() as f64).collect();
        Ok(round(&shares, &caps, kept))
    }

    /// The density of each tensor when `kept` weights are kept in all; 1 everywhere for
    /// [`Allocation::Global`], which sets no limits.
    ///
    /// # Errors
    /// As [`Allocation::counts`].
    pub fn densities(&self, arch: &Arch, kept: usize) -> Result<Vec<f64>, BaselineError> {
        let all: Vec<TensorId> = arch.prunable().ids().collect();
        let specs: Vec<&TensorSpec> = arch.prunable().iter().collect();
        self.densities_of(&specs, &all, all.len(), kept)
    }

    /// The density of each of some tensors when `kept` of their weights are kept.
    fn densities_of(
        &self,
        specs: &[&TensorSpec],
        tensors: &[TensorId],
        all: usize,
        kept: usize,
    ) -> Result<Vec<f64>, BaselineError> {
        let lens: Vec<f64> = specs.iter().map(|s| s.len() as f64).collect();
        let raw = |kernel: bool| {
            specs
                .iter()
                .map(|s| {
                    let sizes = if kernel { &s.shape[..] } else { &s.shape[..2] };
                    sizes.iter().sum::<usize>() as f64 / sizes.iter().product::<usize>() as f64
                })
                .collect::<Vec<f64>>()
        };
        let total = kept as f64;
        match self {
            Allocation::Global => Ok(vec![1.0; lens.len()]),
            Allocation::Uniform => Ok(vec![total / lens.iter().sum::<f64>(); lens.len()]),
            Allocation::ErdosRenyi => Ok(proportional(&raw(false), &lens, total)),
            Allocation::ErdosRenyiKernel => Ok(proportional(&raw(true), &lens, total)),
            Allocation::IdealGas => Ok(ideal_gas(&lens, total)),
            Allocation::Given(given) => {
                check_number(given, all)?;
                let given: Vec<f64> = tensors.iter().map(|tensor| given[tensor.index()]).collect();
                check_room(&given, &lens, total)?;
                Ok(proportional(&given, &lens, total))
            }
        }
    }
}

impl fmt::Display for Allocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Allocation::Global => f.write_str("global"),
            Allocation::Uniform => f.write_str("uniform"),
            Allocation::ErdosRenyi => f.write_str("er"),
            Allocation::ErdosRenyiKernel => f.write_str("erk"),
            Allocation::IdealGas => f.write_str("igq"),
            Allocation::Given(densities) => write!(f, "given:{}", join(densities)),
        }
    }
}

impl FromStr for Allocation {
    type Err = BaselineError;

    /// `global`, `uniform`, `er`, `erk`, `igq`, or `given:0.5,0.1,…` with one density for each tensor.
    fn from_str(text: &str) -> Result<Self, BaselineError> {
        Ok(match text {
            "global" => Allocation::Global,
            "uniform" => Allocation::Uniform,
            "er" => Allocation::ErdosRenyi,
            "erk" => Allocation::ErdosRenyiKernel,
            "igq" => Allocation::IdealGas,
            _ => match text.strip_prefix("given:").and_then(numbers) {
                Some(densities) => Allocation::Given(densities),
                None => {
                    let expected = "global, uniform, er, erk, igq or given:DENSITY,DENSITY,…";
                    return Err(BaselineError::parameter(
                        "allocation",
                        format!("`{text}`"),
                        expected,
                    ));
                }
            },
        })
    }
}

fn check_number(given: &[f64], tensors: usize) -> Result<(), BaselineError> {
    if given.len() != tensors {
        let expected = format!("one for each of the {tensors} tensors");
        return Err(BaselineError::parameter("number of densities", given.len(), expected));
    }
    Ok(())
}

fn check_room(given: &[f64], lens: &[f64], total: f64) -> Result<(), BaselineError> {
    if let Some(bad) = given.iter().find(|&&d| !(d >= 0.0 && d.is_finite())) {
        return Err(BaselineError::parameter("a tensor's density", bad, "a number of at least 0"));
    }
    let room: f64 = given.iter().zip(lens).filter(|(d, _)| **d > 0.0).map(|(_, n)| n).sum();
    if room < total {
        let expected = format!("room for {total} kept weights where they are not 0");
        return Err(BaselineError::parameter(
            "given densities",
            format!("{room} weights"),
            expected,
        ));
    }
    Ok(())
}

/// `min(1, ε · raw)` with the ε that keeps `total` weights: tensors fill up, the greatest raw value first.
fn proportional(raw: &[f64], lens: &[f64], total: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..raw.len()).collect();
    order.sort_by(|&a, &b| raw[b].total_cmp(&raw[a]));
    let mut weight: f64 = raw.iter().zip(lens).map(|(r, n)| r * n).sum();
    let mut left = total;
    let mut densities = vec![0.0; raw.len()];
    for (full, &l) in order.iter().enumerate() {
        let epsilon = if weight > 0.0 { left / weight } else { 0.0 };
        if epsilon * raw[l] < 1.0 {
            for &l in &order[full..] {
                densities[l] = epsilon * raw[l];
            }
            break;
        }
        densities[l] = 1.0;
        left -= lens[l];
        weight -= raw[l] * lens[l];
    }
    densities
}

/// `1 / (F n + 1)` with the F that keeps `total` weights, by bisection of ln F to the last bit.
fn ideal_gas(lens: &[f64], total: f64) -> Vec<f64> {
    let at = |force: f64| lens.iter().map(move |n| 1.0 / (force * n + 1.0));
    let kept = |force: f64| at(force).zip(lens).map(|(d, n)| d * n).sum::<f64>();
    if total >= lens.iter().sum() {
        return vec![1.0; lens.len()];
    }
    let (mut low, mut high) = (-80.0f64, 80.0f64);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if kept(libm::exp(middle)) > total { low = middle } else { high = middle }
    }
    at(libm::exp(0.5 * (low + high))).collect()
}

/// Whole numbers near `shares` that sum to `total` and respect `caps`, by largest remainders.
fn round(shares: &[f64], caps: &[usize], total: usize) -> Vec<usize> {
    // A share that is a whole number up to rounding errors must not lose one to them.
    let floor = |s: f64| (s * (1.0 + 1e-12)).floor();
    let mut counts: Vec<usize> =
        shares.iter().zip(caps).map(|(&s, &cap)| (floor(s) as usize).min(cap)).collect();
    let mut order: Vec<usize> = (0..shares.len()).collect();
    let remainder = |l: usize| shares[l] - floor(shares[l]);
    order.sort_by(|&a, &b| remainder(b).total_cmp(&remainder(a)).then(a.cmp(&b)));
    let mut left = total.saturating_sub(counts.iter().sum());
    while left > 0 {
        let before = left;
        for &l in &order {
            if left > 0 && counts[l] < caps[l] {
                counts[l] += 1;
                left -= 1;
            }
        }
        if left == before {
            break;
        }
    }
    // Only where rounding errors lifted several shares to the next whole number.
    let mut surplus = counts.iter().sum::<usize>().saturating_sub(total);
    for count in counts.iter_mut().rev() {
        let less = surplus.min(*count);
        *count -= less;
        surplus -= less;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use phew_graph::{ArchBuilder, Conv2d, Shape};

    fn arch() -> Arch {
        let image = Shape::Image { channels: 2, height: 4, width: 4 };
        ArchBuilder::new("small", image)
            .conv("a", Conv2d::new(4, 3).padding(1))
            .conv("b", Conv2d::new(8, 3).padding(1))
            .flatten("f")
            .linear("c", 10)
            .build()
            .unwrap()
    }

    fn counts(allocation: &Allocation, kept: usize) -> Vec<usize> {
        let arch = arch();
        match allocation.counts(&arch, &Mask::dense(&arch), kept).unwrap() {
            Counts::PerTensor(counts) => counts,
            other => panic!("{other:?}, expected a number for each tensor"),
        }
    }

    #[test]
    fn names_come_back_and_wrong_ones_are_refused() {
        for text in ["global", "uniform", "er", "erk", "igq", "given:0.5,0.25"] {
            assert_eq!(text.parse::<Allocation>().unwrap().to_string(), text);
        }
        assert!(["given:", "erl", "given:0.1,x"].iter().all(|t| t.parse::<Allocation>().is_err()));
    }

    #[test]
    fn counts_are_exact_for_every_allocation_and_number() {
        let arch = arch();
        let lens: Vec<usize> = arch.prunable().iter().map(|s| s.len()).collect();
        assert_eq!(lens, [72, 288, 1280]);
        let given = Allocation::Given(vec![0.9, 0.1, 0.02]);
        for allocation in [
            Allocation::Uniform,
            Allocation::ErdosRenyi,
            Allocation::ErdosRenyiKernel,
            Allocation::IdealGas,
            given,
        ] {
            for kept in (1..=1640).step_by(7).chain([1640]) {
                let counts = counts(&allocation, kept);
                assert_eq!(counts.iter().sum::<usize>(), kept, "{allocation:?}");
                assert!(counts.iter().zip(&lens).all(|(c, l)| c <= l), "{allocation:?}");
            }
        }
    }

    #[test]
    fn erdos_renyi_densities_are_proportional_until_they_fill_up() {
        // Raw values: a (2+4)/8, b (4+8)/32, c (128+10)/1280; with kernels a 12/72, b 18/288.
        let arch = arch();
        let er = Allocation::ErdosRenyi.densities(&arch, 100).unwrap();
        assert!((er[0] / er[1] - 2.0).abs() < 1e-12);
        assert!((er[1] / er[2] - 0.375 / (138.0 / 1280.0)).abs() < 1e-12);
        let erk = Allocation::ErdosRenyiKernel.densities(&arch, 100).unwrap();
        assert!((erk[0] / erk[1] - (12.0 / 72.0) / (18.0 / 288.0)).abs() < 1e-12);
        let full = Allocation::ErdosRenyi.densities(&arch, 500).unwrap();
        assert!(full[0] >= 1.0 && full[1] < 1.0, "{full:?}");
        let total: f64 = full.iter().zip([72.0, 288.0, 1280.0]).map(|(d, n)| d * n).sum();
        assert!((total - 500.0).abs() < 1e-9, "{total}");
    }

    #[test]
    fn ideal_gas_compressions_less_one_are_proportional_to_sizes() {
        let d = Allocation::IdealGas.densities(&arch(), 200).unwrap();
        let excess = |l: usize| 1.0 / d[l] - 1.0;
        assert!((excess(1) / excess(0) - 4.0).abs() < 1e-9);
        assert!((excess(2) / excess(1) - 1280.0 / 288.0).abs() < 1e-9);
    }

    #[test]
    fn given_densities_are_exact_where_their_total_is_asked_for() {
        let given = Allocation::Given(vec![0.5, 0.25, 0.1]);
        assert_eq!(counts(&given, 36 + 72 + 128), [36, 72, 128]);
        for bad in
            [vec![0.5, 0.1], vec![0.5, -0.1, 0.1], vec![0.5, 0.0, f64::NAN], vec![1.0, 0.0, 0.0]]
        {
            let arch = arch();
            let found = Allocation::Given(bad.clone()).counts(&arch, &Mask::dense(&arch), 100);
            assert!(found.is_err(), "{bad:?}");
        }
    }
}
