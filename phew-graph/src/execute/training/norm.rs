//! Batch normalisation in training: by the mean and the variance of the batch, or by the running ones.

use crate::arch::op::BatchNorm;
use crate::execute::kernels::Slopes;

/// What batch normalisation takes for mean and variance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistics {
    /// Those of the batch: training.
    Batch,
    /// The running ones, and those of the batch where there are none: testing.
    Running,
}

/// A batch normalisation, and what it last saw.
#[derive(Debug)]
pub(super) struct Norm {
    pub(super) op: BatchNorm,
    /// Its tensors, among those that are not prunable.
    pub(super) scale: Option<usize>,
    pub(super) shift: Option<usize>,
    pub(super) running_mean: Option<usize>,
    pub(super) running_variance: Option<usize>,
    /// What it normalises by.
    pub(super) statistics: Statistics,
    /// Numbers of a unit in the batch.
    count: f64,
    pub(super) mean: Vec<f64>,
    /// Of the numbers themselves: divided by their count.
    variance: Vec<f64>,
    /// The scales that it last had.
    scales: Vec<f32>,
    /// What it does to each unit: a scale and a shift.
    pub(super) affine: Vec<[f32; 2]>,
}

impl Norm {
    pub(super) fn new(op: BatchNorm, tensors: [Option<usize>; 4]) -> Self {
        let [scale, shift, running_mean, running_variance] = tensors;
        let (mean, variance, scales, affine) = Default::default();
        Self {
            op,
            scale,
            shift,
            running_mean,
            running_variance,
            statistics: Statistics::Batch,
            count: 0.0,
            mean,
            variance,
            scales,
            affine,
        }
    }

    /// Takes the statistics of a batch: of each group how many numbers a unit has, their mean and the sum of the squared
    /// deviations from it.
    ///
    /// Groups are joined in order (Chan et al. 1983).
    pub(super) fn take(&mut self, groups: &[(f64, Vec<[f64; 2]>)]) {
        let units = groups[0].1.len();
        let (mut count, mut mean, mut squares) = (0.0, vec![0.0; units], vec![0.0; units]);
        for (more, each) in groups {
            let both = count + more;
            for (unit, [own, own_squares]) in each.iter().enumerate() {
                let apart = own - mean[unit];
                mean[unit] += apart * more / both;
                squares[unit] += own_squares + apart * apart * count * more / both;
            }
            count = both;
        }
        self.count = count;
        self.mean = mean;
        self.variance = squares.into_iter().map(|sum: f64| sum.max(0.0) / count).collect();
    }

    /// Whether the batch decides what it normalises by.
    pub(super) fn by_batch(&self) -> bool {
        self.statistics == Statistics::Batch || self.running_mean.is_none()
    }

    /// Takes the running statistics.
    pub(super) fn take_running(&mut self, auxiliary: &[Vec<f32>]) {
        let values = |tensor: Option<usize>| -> Vec<f64> {
            tensor.map_or_else(Vec::new, |t| auxiliary[t].iter().map(|&x| f64::from(x)).collect())
        };
        (self.mean, self.variance) = (values(self.running_mean), values(self.running_variance));
    }

    /// Takes scales and shifts, once it has its statistics.
    pub(super) fn load(&mut self, scales: Option<&[f32]>, shifts: Option<&[f32]>) {
        let units = self.mean.len();
        self.scales = scales.map_or_else(|| vec![1.0; units], <[f32]>::to_vec);
        let each = |unit: usize| {
            let scale = f64::from(self.scales[unit]) * self.inverse_deviation(unit);
            let shift = shifts.map_or(0.0, |shifts| f64::from(shifts[unit]));
            [scale as f32, (shift - self.mean[unit] * scale) as f32]
        };
        self.affine = (0..units).map(each).collect();
    }

    fn inverse_deviation(&self, unit: usize) -> f64 {
        1.0 / (self.variance[unit] + self.op.eps).sqrt()
    }

    /// The means as the kernels take them.
    pub(super) fn near(&self) -> Vec<f32> {
        self.mean.iter().map(|&mean| mean as f32).collect()
    }

    /// The gradients by scales and shifts, and how the gradient by the input is made: from each group's sums, for each unit, of
    /// the gradient by the output and of its products with the input less [`Norm::near`].
    ///
    /// With `x̂ = (x − μ) / σ`, `∂L/∂x = γ/σ · (dy − mean(dy) − x̂ · mean(dy · x̂))` (Ioffe & Szegedy 2015), and `γ/σ · dy` by
    /// statistics that the batch does not decide.
    pub(super) fn gradients(&self, sums: &[Vec<[f64; 2]>]) -> ([Vec<f32>; 2], Vec<Slopes>) {
        let (mut scales, mut shifts, mut slopes) = (Vec::new(), Vec::new(), Vec::new());
        for unit in 0..self.mean.len() {
            let [sum, products] =
                [0, 1].map(|part| sums.iter().map(|group| group[unit][part]).sum::<f64>());
            let (mean, near) = (self.mean[unit], self.mean[unit] as f32);
            let inverse = self.inverse_deviation(unit);
            let by_scale = (products - (mean - f64::from(near)) * sum) * inverse;
            scales.push(by_scale as f32);
            shifts.push(sum as f32);
            let of_gradient = f64::from(self.scales[unit]) * inverse;
            let (mut of_input, mut constant) = (0.0, 0.0);
            if self.by_batch() {
                of_input = -of_gradient * inverse * by_scale / self.count;
                constant = -of_gradient * sum / self.count + of_input * (f64::from(near) - mean);
            }
            slopes.push(Slopes {
                of_gradient: of_gradient as f32,
                of_input: of_input as f32,
                near,
                constant: constant as f32,
            });
        }
        ([scales, shifts], slopes)
    }

    /// Moves running statistics, where it has some and did not normalise by them, towards the batch's: the variance is that of what the batch is a
    /// sample of.
    pub(super) fn move_running(&self, auxiliary: &mut [Vec<f32>]) {
        if !self.by_batch() {
            return;
        }
        let momentum = self.op.momentum;
        let unbiased = self.count / (self.count - 1.0);
        let mut towards = |tensor: Option<usize>, new: &[f64], factor: f64| {
            let Some(tensor) = tensor else { return };
            for (running, new) in auxiliary[tensor].iter_mut().zip(new) {
                let old = f64::from(*running);
                *running = ((1.0 - momentum) * old + momentum * new * factor) as f32;
            }
        };
        towards(self.running_mean, &self.mean, 1.0);
        towards(self.running_variance, &self.variance, unbiased);
    }
}
