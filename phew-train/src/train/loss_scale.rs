//! The scale of the loss where gradients are computed with few exponents.

use serde::{Deserialize, Serialize};

/// Steps in a row without overflow after which the scale is tried twice as great.
const PATIENCE: u64 = 2000;

/// What the loss is multiplied by so that small gradients do not vanish in half precision: PyTorch's `GradScaler` with
/// its constants.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct LossScale {
    scale: f64,
    /// Steps since it changed.
    steady: u64,
}

impl Default for LossScale {
    fn default() -> Self {
        Self { scale: 65_536.0, steady: 0 }
    }
}

impl LossScale {
    pub(crate) fn value(self) -> f64 {
        self.scale
    }

    /// Halves the scale after a gradient that overflowed; doubles it when there was none for long.
    pub(crate) fn learn(&mut self, overflowed: bool) {
        if overflowed {
            *self = Self { scale: self.scale / 2.0, steady: 0 };
        } else if self.steady + 1 == PATIENCE {
            *self = Self { scale: self.scale * 2.0, steady: 0 };
        } else {
            self.steady += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_halves_at_once_and_doubles_with_patience() {
        let mut scale = LossScale::default();
        scale.learn(true);
        assert_eq!(scale, LossScale { scale: 32_768.0, steady: 0 });
        (1..PATIENCE).for_each(|_| scale.learn(false));
        assert_eq!(scale, LossScale { scale: 32_768.0, steady: PATIENCE - 1 });
        scale.learn(false);
        assert_eq!(scale, LossScale { scale: 65_536.0, steady: 0 });
    }
}
