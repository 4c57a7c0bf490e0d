//! Where the threshold of the next step probably lies: predicted from the last steps, or from a sample.

use super::bracket::Bracket;

/// Logarithm of what a threshold may differ from its forecast: a sample tells more than a wider one.
const WIDEST: f64 = 0.25;

/// The thresholds of the last steps: their logarithms move in nearly even steps.
#[derive(Default)]
pub(super) struct Forecast {
    /// The last threshold's logarithm.
    last: Option<f64>,
    /// How far it moved in the last step.
    step: Option<f64>,
    /// By how much the last step differed from the one before, and that one from its own.
    change: Option<f64>,
    before: Option<f64>,
}

impl Forecast {
    /// A bracket round the next threshold, as soon as three are known and if their steps are even enough.
    pub(super) fn bracket(&self) -> Option<Bracket> {
        let (Some(last), Some(step), Some(change)) = (self.last, self.step, self.change) else {
            return None;
        };
        // Early steps differ by less and less, later ones by chance.
        let before = self.before.unwrap_or(change);
        let trend = if change * before > 0.0 { change.abs().min(before.abs()) } else { 0.0 };
        let drift = 0.5 * trend.copysign(change);
        // Wider than any error seen in practice after the first steps, and narrow enough to hold few scores.
        let slack = (change - drift).abs() + 0.1 * step.abs();
        if slack > WIDEST {
            return None;
        }
        let next = last + step + drift;
        // Kernels' sums lose weights below the bracket before those inside: not by the platform's functions.
        let bracket = Bracket { low: libm::exp(next - slack), high: libm::exp(next + slack) };
        (bracket.low > 0.0 && bracket.high < f64::INFINITY).then_some(bracket)
    }

    /// Learns a step's threshold.
    pub(super) fn learn(&mut self, threshold: f64) {
        let now = libm::log(threshold);
        if !now.is_finite() {
            *self = Self::default();
            return;
        }
        let step = self.last.map(|last| now - last);
        let change = step.zip(self.step).map(|(step, before)| step - before);
        *self = Self { last: Some(now), step, change, before: self.change };
    }
}

/// Scores between which the `share` lowest ones of a sample's population probably end.
/// `None` if there is no sample.
pub(super) fn around(mut sample: Vec<f64>, share: f64) -> Option<Bracket> {
    if sample.is_empty() {
        return None;
    }
    let n = sample.len() as f64;
    // Scores of a row resemble each other: the sample is taken to be worth half its size.
    let slack = 4.0 * (share * (1.0 - share) / (n / 2.0)).sqrt() + 8.0 / n;
    let mut nth = |share: f64| {
        let rank = (share * n) as usize;
        match sample.len() {
            len if rank >= len => f64::INFINITY,
            _ => *sample.select_nth_unstable_by(rank, f64::total_cmp).1,
        }
    };
    let high = nth(share + slack);
    Some(Bracket { low: if share > slack { nth(share - slack) } else { 0.0 }, high })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bracket after some thresholds, whose logarithms these are.
    fn bracket(logarithms: &[f64]) -> Option<(f64, f64)> {
        let mut forecast = Forecast::default();
        logarithms.iter().for_each(|t| forecast.learn(t.exp()));
        forecast.bracket().map(|b| (b.low.ln(), b.high.ln()))
    }

    #[test]
    fn even_steps_are_predicted() {
        assert!(bracket(&[1.0, 1.5]).is_none());
        let (low, high) = bracket(&[1.0, 1.5, 2.0]).unwrap();
        assert!(low < 2.5 && 2.5 < high && high - low < 0.11);
    }

    #[test]
    fn steps_that_become_smaller_are_expected_to_become_smaller_still() {
        let (low, high) = bracket(&[0.0, 0.4, 0.7, 0.9]).unwrap();
        assert!(low < 1.0 && 1.0 < high && (low + high) / 2.0 < 1.1);
    }

    #[test]
    fn uneven_steps_widen_the_bracket_up_to_where_it_tells_nothing() {
        let (low, high) = bracket(&[0.0, 0.5, 1.0, 1.35]).unwrap();
        assert!(low < 1.6 && 1.8 < high);
        assert!(bracket(&[0.0, 0.5, 1.0, 1.1]).is_none());
        assert!(bracket(&[0.0, 0.5, 1.0, f64::NEG_INFINITY]).is_none());
    }
}
