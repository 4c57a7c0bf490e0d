//! SGD and Adam on one vector, with moments that can be saved.

use serde::{Deserialize, Serialize};
use tch::{Tensor, no_grad};

use crate::error::{Result, TrainError};

/// An optimiser and its constants; the learning rate comes from the schedule.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum OptimiserSpec {
    /// Stochastic gradient descent.
    Sgd {
        /// Share of the last step that is kept; 0 is plain descent.
        #[serde(default)]
        momentum: f64,
        /// Whether the gradient is taken as if after the momentum's part of the step.
        #[serde(default)]
        nesterov: bool,
        /// Times the weights, added to the gradient.
        #[serde(default)]
        weight_decay: f64,
    },
    /// Adam (Kingma & Ba 2015) with the decay added to the gradient.
    Adam {
        /// Decay of the mean of the gradients.
        #[serde(default = "beta1")]
        beta1: f64,
        /// Decay of the mean of their squares.
        #[serde(default = "beta2")]
        beta2: f64,
        /// Added to the root of that mean.
        #[serde(default = "eps")]
        eps: f64,
        /// Times the weights, added to the gradient.
        #[serde(default)]
        weight_decay: f64,
    },
}

fn beta1() -> f64 {
    0.9
}

fn beta2() -> f64 {
    0.999
}

fn eps() -> f64 {
    1e-8
}

impl OptimiserSpec {
    /// Refuses constants that make no sense.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] naming the constant.
    pub fn validate(&self) -> Result<()> {
        let check = |what, value: f64, ok: bool, expected: &str| {
            if ok {
                return Ok(());
            }
            let (found, expected) = (value.to_string(), expected.to_owned());
            Err(TrainError::Parameter { what, found, expected })
        };
        let share = |value: f64| (0.0..1.0).contains(&value);
        let not_negative = |value: f64| value >= 0.0 && value.is_finite();
        match *self {
            Self::Sgd { momentum, nesterov, weight_decay } => {
                check("momentum", momentum, share(momentum), "0 or more and below 1")?;
                let fits = !nesterov || momentum > 0.0;
                check("momentum", momentum, fits, "above 0 where nesterov is set")?;
                check("weight_decay", weight_decay, not_negative(weight_decay), "0 or more")
            }
            Self::Adam { beta1, beta2, eps, weight_decay } => {
                check("beta1", beta1, share(beta1), "0 or more and below 1")?;
                check("beta2", beta2, share(beta2), "0 or more and below 1")?;
                check("eps", eps, eps > 0.0 && eps.is_finite(), "a positive number")?;
                check("weight_decay", weight_decay, not_negative(weight_decay), "0 or more")
            }
        }
    }
}

/// An optimiser at work.
#[derive(Debug)]
pub struct Optimiser {
    spec: OptimiserSpec,
    /// SGD: the momentum, if there is any. Adam: means of the gradients and of their squares.
    moments: Vec<Tensor>,
    steps: u64,
}

impl Optimiser {
    /// An optimiser of `vector`, before its first step.
    ///
    /// # Errors
    /// [`TrainError::Torch`] if the device has no room, [`TrainError::Parameter`] as [`OptimiserSpec::validate`].
    pub fn new(spec: OptimiserSpec, vector: &Tensor) -> Result<Self> {
        spec.validate()?;
        let count = match spec {
            OptimiserSpec::Sgd { momentum, .. } => usize::from(momentum > 0.0),
            OptimiserSpec::Adam { .. } => 2,
        };
        let zeros = || no_grad(|| vector.f_zeros_like());
        let moments = (0..count).map(|_| zeros()).collect::<std::result::Result<_, _>>()?;
        Ok(Self { spec, moments, steps: 0 })
    }

    /// Steps taken.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Its moments (the momentum of SGD; first and second of Adam), each of the vector's length.
    pub fn moments(&self) -> &[Tensor] {
        &self.moments
    }

    /// Takes up the state of an optimiser that was saved.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] if there are not as many moments of the same length.
    pub fn restore(&mut self, moments: &[Tensor], steps: u64) -> Result<()> {
        let lengths = |tensors: &[Tensor]| tensors.iter().map(Tensor::numel).collect::<Vec<_>>();
        if lengths(moments) != lengths(&self.moments) {
            return Err(TrainError::Parameter {
                what: "optimiser buffers",
                found: format!("lengths {:?}", lengths(moments)),
                expected: format!("lengths {:?}", lengths(&self.moments)),
            });
        }
        for (own, saved) in self.moments.iter_mut().zip(moments) {
            own.copy_(saved);
        }
        self.steps = steps;
        Ok(())
    }

    /// One step down a gradient, which is used up: consecutive parts of it, in any shape, or the whole as one part.
    ///
    /// A scalar whose value, moments and gradient are 0 stays 0, decay included.
    ///
    /// # Errors
    /// [`TrainError::Torch`] if the parts do not make up the vector or the device has no room.
    pub fn step(&mut self, vector: &Tensor, gradient: Vec<Tensor>, rate: f64) -> Result<()> {
        let _guard = tch::no_grad_guard();
        self.steps += 1;
        let mut from = 0;
        for part in gradient {
            let part = part.f_reshape(-1)?;
            let len = part.size()[0];
            let of = |tensor: &Tensor| tensor.f_narrow(0, from, len);
            let mut part = Part {
                vector: of(vector)?,
                moments: self.moments.iter().map(of).collect::<std::result::Result<_, _>>()?,
                gradient: part,
            };
            part.step(self.spec, self.steps, rate)?;
            from += len;
        }
        debug_assert_eq!(from, vector.size()[0], "a gradient is as long as its vector");
        Ok(())
    }
}

/// A stretch of the vector with all that moves it. Its tensors are windows, the gradient alone is its own.
struct Part {
    vector: Tensor,
    moments: Vec<Tensor>,
    gradient: Tensor,
}

impl Part {
    fn step(&mut self, spec: OptimiserSpec, steps: u64, rate: f64) -> Result<()> {
        let Self { vector, moments, gradient } = self;
        let scalar = |value: f64| {
            Tensor::f_from_slice(&[value as f32])?.f_view([0_i64; 0])?.f_to_device(vector.device())
        };
        let (OptimiserSpec::Sgd { weight_decay, .. } | OptimiserSpec::Adam { weight_decay, .. }) =
            spec;
        if weight_decay > 0.0 {
            let _ = gradient.f_addcmul_(vector, &scalar(weight_decay)?)?;
        }
        match spec {
            OptimiserSpec::Sgd { momentum, nesterov, .. } => {
                if let Some(buffer) = moments.first_mut() {
                    let _ = buffer.f_mul_scalar_(momentum)?.f_add_(gradient)?;
                    if nesterov {
                        let _ = gradient.f_addcmul_(buffer, &scalar(momentum)?)?;
                    } else {
                        *gradient = buffer.shallow_clone();
                    }
                }
                let _ = vector.f_addcmul_(gradient, &scalar(-rate)?)?;
            }
            OptimiserSpec::Adam { beta1, beta2, eps, .. } => {
                let [mean, square] = &mut moments[..] else { unreachable!("Adam has two moments") };
                let _ = mean.f_lerp_(gradient, 1.0 - beta1)?;
                let weighted = gradient.f_mul_scalar(1.0 - beta2)?;
                let _ = square.f_mul_scalar_(beta2)?.f_addcmul_(&weighted, gradient)?;
                let steps = i32::try_from(steps).unwrap_or(i32::MAX);
                let (fade1, fade2) = (1.0 - beta1.powi(steps), 1.0 - beta2.powi(steps));
                let root = square.f_sqrt()?.f_div_scalar_(fade2.sqrt())?.f_add_scalar_(eps)?;
                let _ = vector.f_addcdiv_(&mean.f_mul_scalar(-rate / fade1)?, &root)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;

    fn sgd(momentum: f64, nesterov: bool, weight_decay: f64) -> OptimiserSpec {
        OptimiserSpec::Sgd { momentum, nesterov, weight_decay }
    }

    fn values(tensor: &Tensor) -> Vec<f32> {
        Vec::<f32>::try_from(tensor).unwrap()
    }

    fn close(found: &Tensor, wanted: &[f64]) {
        for (found, wanted) in values(found).iter().zip(wanted) {
            assert!((f64::from(*found) - wanted).abs() < 1e-6, "{found} for {wanted}");
        }
    }

    #[test]
    fn two_steps_of_sgd_are_those_worked_by_hand() {
        // w = 1, g = 2 both times, decay 0.1, momentum 0.5, rate 0.1.
        // First: d = 2.1, b = 2.1, w = 0.79. Second: d = 2.079, b = 3.129, w = 0.4771.
        let vector = Tensor::from_slice(&[1_f32]);
        let mut optimiser = Optimiser::new(sgd(0.5, false, 0.1), &vector).unwrap();
        let gradient = || Tensor::from_slice(&[2_f32]);
        optimiser.step(&vector, vec![gradient()], 0.1).unwrap();
        close(&vector, &[0.79]);
        optimiser.step(&vector, vec![gradient()], 0.1).unwrap();
        close(&vector, &[0.4771]);
        close(&optimiser.moments()[0], &[3.129]);
        // Nesterov: d = 2.1, b = 2.1, step d + 0.5 b = 3.15, w = 0.685.
        let vector = Tensor::from_slice(&[1_f32]);
        let mut optimiser = Optimiser::new(sgd(0.5, true, 0.1), &vector).unwrap();
        optimiser.step(&vector, vec![gradient()], 0.1).unwrap();
        close(&vector, &[0.685]);
    }

    #[test]
    fn a_restored_optimiser_goes_on_with_the_same_bits() {
        let spec = OptimiserSpec::Adam { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.0 };
        let gradient = |i: i64| (Tensor::arange(50, (Kind::Float, Device::Cpu)) - 20 + i) / (1 + i);
        let whole = Tensor::ones([50], (Kind::Float, Device::Cpu));
        let mut optimiser = Optimiser::new(spec, &whole).unwrap();
        let mut saved = None;
        for i in 0..10 {
            if i == 4 {
                let moments: Vec<Tensor> = optimiser.moments().iter().map(Tensor::copy).collect();
                saved = Some((whole.copy(), moments, optimiser.steps()));
            }
            optimiser.step(&whole, vec![gradient(i)], 0.01).unwrap();
        }
        let (vector, moments, steps) = saved.unwrap();
        let mut second = Optimiser::new(spec, &vector).unwrap();
        second.restore(&moments, steps).unwrap();
        for i in 4..10 {
            second.step(&vector, vec![gradient(i)], 0.01).unwrap();
        }
        assert_eq!(values(&vector), values(&whole));
        assert!(second.restore(&moments[..1], steps).is_err());
    }

    #[test]
    fn a_gradient_in_parts_does_what_the_whole_does() {
        let adam = OptimiserSpec::Adam { beta1: 0.9, beta2: 0.99, eps: 1e-8, weight_decay: 0.1 };
        for spec in [sgd(0.9, true, 0.1), adam] {
            let start = || Tensor::arange(12, (Kind::Float, Device::Cpu)) - 5;
            let (whole, parts) = (start(), start());
            let mut one = Optimiser::new(spec, &whole).unwrap();
            let mut many = Optimiser::new(spec, &parts).unwrap();
            for i in 1..4 {
                let gradient = || (Tensor::arange(12, (Kind::Float, Device::Cpu)) - i).cos();
                one.step(&whole, vec![gradient()], 0.1).unwrap();
                let cut = vec![
                    gradient().narrow(0, 0, 4).copy().view([2, 2]),
                    gradient().narrow(0, 4, 8).copy(),
                ];
                many.step(&parts, cut, 0.1).unwrap();
            }
            assert_eq!(values(&whole), values(&parts), "{spec:?}");
            for (one, many) in one.moments().iter().zip(many.moments()) {
                assert_eq!(values(one), values(many));
            }
        }
    }

    #[test]
    fn senseless_constants_are_refused() {
        for spec in [sgd(1.0, false, 0.0), sgd(0.0, true, 0.0), sgd(0.9, false, -1.0)] {
            assert!(spec.validate().is_err(), "{spec:?}");
        }
        assert!(sgd(f64::NAN, false, 0.0).validate().is_err());
    }
}
