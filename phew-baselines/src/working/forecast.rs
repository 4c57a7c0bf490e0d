//! Where the threshold of the next step will probably lie.

/// The thresholds of the last steps: their logarithms move in nearly even steps.
#[derive(Default)]
pub(super) struct Forecast {
    /// The last threshold's logarithm, and how far it moved.
    last: Option<(f64, Option<f64>)>,
    /// By how much the last step differed from the one before.
    error: Option<f64>,
}

impl Forecast {
    /// A bracket round the next threshold, as soon as three are known.
    pub(super) fn bracket(&self) -> Option<(f64, f64)> {
        let (Some((last, Some(step))), Some(error)) = (self.last, self.error) else { return None };
        // Wider than any error seen in practice after the first steps, and narrow enough to hold few scores.
        let slack = error + 0.1 * step.abs();
        let bracket = ((last + step - slack).exp(), (last + step + slack).exp());
        (bracket.0 > 0.0 && bracket.1 < f64::INFINITY).then_some(bracket)
    }

    /// Learns a step's threshold.
    pub(super) fn learn(&mut self, threshold: f64) {
        let now = threshold.ln();
        if !now.is_finite() {
            *self = Self::default();
            return;
        }
        let step = self.last.map(|(last, _)| now - last);
        if let (Some(step), Some((_, Some(before)))) = (step, self.last) {
            self.error = Some((step - before).abs());
        }
        self.last = Some((now, step));
    }
}

/// Scores between which the `share` lowest ones of a sample's population probably end.
/// `None` if there is no sample.
pub(super) fn around(mut sample: Vec<f64>, share: f64) -> Option<(f64, f64)> {
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
    Some((if share > slack { nth(share - slack) } else { 0.0 }, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_steps_are_foreseen_and_uneven_ones_widen_the_bracket() {
        let mut forecast = Forecast::default();
        for t in [1.0f64, 2.0, 4.0] {
            assert!(forecast.bracket().is_none());
            forecast.learn(t);
        }
        let (low, high) = forecast.bracket().unwrap();
        assert!(low < 8.0 && 8.0 < high && high / low < 1.2);
        forecast.learn(4.4);
        let (low, high) = forecast.bracket().unwrap();
        assert!(low < 4.84 && 4.84 < high && high / low > 3.0);
        forecast.learn(0.0);
        assert!(forecast.bracket().is_none());
    }
}
