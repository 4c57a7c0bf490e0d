//! From what a column holds to a place on an axis.

use super::axis::{Axis, Scale};
use super::known::Known;

/// A column on an axis, with everything decided.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measure {
    pub(crate) key: String,
    /// The label with its unit.
    pub(crate) label: String,
    pub(crate) scale: Scale,
    percent: bool,
    /// Whether the column holds natural logarithms.
    ln: bool,
    /// The least and the greatest place that a description asks for.
    pub(crate) bounds: [Option<f64>; 2],
    pub(crate) reversed: bool,
}

impl Measure {
    /// As the axis says, and as usual for the column where it says nothing.
    pub(crate) fn of(axis: &Axis) -> Self {
        let known = Known::of(&axis.key);
        let percent = axis.percent.unwrap_or(known.percent);
        let unit = axis.unit.clone().or_else(|| percent.then(|| "%".to_owned()));
        let mut label = axis.label.clone().unwrap_or(known.label);
        let unit = unit.map(|unit| format!(" ({unit})")).unwrap_or_default();
        if !label.ends_with(&unit) {
            label += &unit;
        }
        let mut measure = Self {
            key: axis.key.clone(),
            label,
            scale: axis.scale.unwrap_or(known.scale),
            percent,
            ln: axis.ln.unwrap_or(known.ln),
            bounds: [None; 2],
            reversed: axis.reversed,
        };
        let bound = |bound: f64| {
            let shown = if measure.percent { 100.0 * bound } else { bound };
            if measure.scale == Scale::Log { libm::log10(shown) } else { shown }
        };
        measure.bounds = [axis.min.map(bound), axis.max.map(bound)];
        measure
    }

    /// Whether means are taken of logarithms: geometric means.
    pub(crate) fn of_logarithms(&self) -> bool {
        self.ln && self.scale == Scale::Log
    }

    /// What statistics are taken of: percent of a share, log₁₀ of what is stored as natural logarithms.
    pub(crate) fn number(&self, stored: f64) -> f64 {
        match (self.ln, self.percent) {
            (true, _) if self.of_logarithms() => stored / std::f64::consts::LN_10,
            (true, _) => libm::exp(stored),
            (false, true) => 100.0 * stored,
            (false, false) => stored,
        }
    }

    /// The place of such a number on the axis: its log₁₀ on one of decades, which may not be finite.
    pub(crate) fn place(&self, number: f64) -> f64 {
        if self.scale == Scale::Log && !self.ln { libm::log10(number) } else { number }
    }

    /// What the numbers are, for a table: the label, and `log10` before it where they are logarithms.
    pub(crate) fn column(&self) -> String {
        if self.of_logarithms() { format!("log10 {}", self.label) } else { self.label.clone() }
    }

    /// The same column without shares in percent: for ratios.
    pub(crate) fn without_percent(mut self) -> Self {
        self.label = self.label.trim_end_matches(" (%)").to_owned();
        if std::mem::take(&mut self.percent) {
            let shown = |bound: f64| match self.scale {
                Scale::Log => bound - 2.0,
                _ => bound / 100.0,
            };
            self.bounds = self.bounds.map(|bound| bound.map(shown));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn natural_logarithms_lie_on_an_axis_of_decades_however_far_they_reach() {
        let trace = Measure::of(&Axis::of("ln_path_kernel_trace"));
        let number = trace.number(-138.155_105_579_642_74);
        assert!((trace.place(number) + 60.0).abs() < 1e-12);
        assert_eq!(trace.column(), "log10 path kernel trace");
    }

    #[test]
    fn shares_are_drawn_in_percent() {
        let axis = Axis { min: Some(0.01), ..Axis::of("density") };
        let density = Measure::of(&axis);
        assert_eq!((density.label.as_str(), density.number(0.1)), ("density (%)", 10.0));
        assert_eq!((density.place(10.0), density.bounds[0]), (1.0, Some(0.0)));
    }
}
