//! Where the values of an axis lie, and where it has its ticks.
//!
//! An axis of decades is a linear one of log₁₀: path sums reach from 10⁻⁶⁰ to 10⁴⁰.

/// An axis without its place in the figure.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ruler {
    low: f64,
    high: f64,
    reversed: bool,
    /// Places and labels.
    pub(crate) ticks: Vec<(f64, String)>,
    /// Places without labels.
    pub(crate) minor: Vec<f64>,
}

/// Whether ticks with such labels have room on an axis from one end to the other.
pub(crate) type Fits<'f> = &'f dyn Fn(&[(f64, String)], [f64; 2]) -> bool;

impl Ruler {
    /// Proportional, over these places and a little more, unless bounds are given; the more ticks, the more `fits`.
    pub(crate) fn linear(range: [f64; 2], bounds: [Option<f64>; 2], fits: Fits<'_>) -> Self {
        let [low, high] = widened(range, bounds);
        let span = high - low;
        // From the finest step that can be wanted to the coarsest.
        let least = (span / 20.0).log10().floor() as i32;
        let steps = (least..=least + 3).flat_map(|power| [1.0, 2.0, 5.0].map(|step| (step, power)));
        let ticks = steps.map(|(digit, power)| linear_ticks([low, high], digit, power));
        let ticks =
            ticks.into_iter().filter(|ticks| ticks.len() <= 8).find(|t| fits(t, [low, high]));
        Self { low, high, reversed: false, ticks: ticks.unwrap_or_default(), minor: Vec::new() }
    }

    /// In decades, over these logarithms to the base of ten.
    pub(crate) fn log(range: [f64; 2], bounds: [Option<f64>; 2], fits: Fits<'_>) -> Self {
        let [low, high] = widened(range, bounds);
        let span = high - low;
        if span < 0.5 {
            // Less than a factor of three: proportional ticks at their logarithms.
            let values = [10f64.powf(low), 10f64.powf(high)];
            let mut ruler = Self::linear(values, values.map(Some), fits);
            ruler.ticks.iter_mut().for_each(|tick| tick.0 = tick.0.log10());
            return Self { low, high, ..ruler };
        }
        let sets = [&[1.0, 2.0, 5.0][..], &[1.0, 3.0]].into_iter().filter(|_| span <= 2.5);
        let digits = sets.map(|digits| log_ticks([low, high], digits, 1));
        let steps = [1, 2, 3, 5, 10, 20, 50, 100, 200];
        let decades = steps.map(|step| log_ticks([low, high], &[1.0], step));
        let enough = |ticks: &Vec<(f64, String)>| (2..=8).contains(&ticks.len());
        let ticks = digits.chain(decades).filter(enough).find(|ticks| fits(ticks, [low, high]));
        let minor = if span <= 6.0 { all_digits([low, high]) } else { Vec::new() };
        Self { low, high, reversed: false, ticks: ticks.unwrap_or_default(), minor }
    }

    /// One place for each category: 0, 1, 2 …; labels are left out where they have no room.
    pub(crate) fn categories(names: &[String], fits: Fits<'_>) -> Self {
        let (low, high) = (-0.5, names.len() as f64 - 0.5);
        let every = |step: usize| {
            let named = names.iter().enumerate().step_by(step);
            named.map(|(place, name)| (place as f64, name.clone())).collect::<Vec<_>>()
        };
        let steps = [1, 2, 5, 10, 20, 50, 100];
        let found = steps.map(every).into_iter().find(|ticks| fits(ticks, [low, high]));
        Self { low, high, reversed: false, ticks: found.unwrap_or_default(), minor: Vec::new() }
    }

    /// The other way round.
    pub(crate) fn reversed(mut self, reversed: bool) -> Self {
        self.reversed = reversed;
        self
    }

    /// From 0, the start of the axis, to 1, its end.
    pub(crate) fn share(&self, place: f64) -> f64 {
        let share = (place - self.low) / (self.high - self.low);
        if self.reversed { 1.0 - share } else { share }
    }

    /// A place that lies on the axis, whatever is asked for.
    pub(crate) fn clamp(&self, place: f64) -> f64 {
        if place.is_nan() { self.low } else { place.clamp(self.low, self.high) }
    }
}

/// A little more than a range, and bounds where they are given.
fn widened([low, high]: [f64; 2], bounds: [Option<f64>; 2]) -> [f64; 2] {
    let span = match high - low {
        span if span > 0.0 => span,
        // All values are the same.
        _ => (0.1 * low.abs()).max(1e-9),
    };
    let margin = 0.05 * span;
    let [low, high] = [bounds[0].unwrap_or(low - margin), bounds[1].unwrap_or(high + margin)];
    if low < high { [low, high] } else { [low, low + span] }
}

/// The multiples of `digit · 10^power` in a range.
fn linear_ticks([low, high]: [f64; 2], digit: f64, power: i32) -> Vec<(f64, String)> {
    let step = digit * 10f64.powi(power);
    // A tick on the very end belongs to the axis, whatever rounding made of it.
    let (first, last) = ((low / step - 1e-6).ceil(), (high / step + 1e-6).floor());
    let largest = (first.abs().max(last.abs()) * step).max(step);
    let count = (last - first + 1.0).clamp(0.0, 100.0) as usize;
    let tick = |number: usize| {
        let multiple = first + number as f64;
        (multiple * step, linear_label(multiple * digit, power, largest))
    };
    (0..count).map(tick).collect()
}

/// `number · 10^power`, as it is written on an axis whose largest tick is `largest`.
fn linear_label(number: f64, power: i32, largest: f64) -> String {
    let value = number * 10f64.powi(power);
    if number == 0.0 {
        return "0".into();
    }
    if largest < 1e-3 {
        let exponent = largest.log10().floor() as i32;
        let decimals = usize::try_from(exponent - power).unwrap_or(0);
        let digits = format!("{:.decimals$}", value / 10f64.powi(exponent));
        return format!("{}·10{}", minus(&digits), superscript(exponent));
    }
    for (size, letter) in [(1e9, "G"), (1e6, "M"), (1e3, "k")] {
        if largest >= 10.0 * size {
            let text = format!("{:.6}", value / size);
            return minus(text.trim_end_matches('0').trim_end_matches('.')) + letter;
        }
    }
    minus(&format!("{value:.*}", usize::try_from(-power).unwrap_or(0)))
}

/// A minus as long as a plus.
fn minus(text: &str) -> String {
    text.replace('-', "−")
}

/// `digit · 10^k` for each k that `step` divides, as logarithms.
fn log_ticks([low, high]: [f64; 2], digits: &[f64], step: i32) -> Vec<(f64, String)> {
    let (first, last) = (low.floor() as i32, high.ceil() as i32);
    let powers = (first..=last).filter(|power| power.rem_euclid(step) == 0);
    let ticks = powers.flat_map(|power| digits.iter().map(move |digit| (*digit, power)));
    let inside = |at: f64| at >= low - 1e-9 && at <= high + 1e-9;
    let at = |(digit, power): (f64, i32)| f64::from(power) + digit.log10();
    let ticks: Vec<(f64, i32)> = ticks.filter(|tick| inside(at(*tick))).collect();
    let plain = ticks.iter().all(|(_, power)| (-3..=3).contains(power));
    let label = |(digit, power): (f64, i32)| match (plain, digit) {
        (true, _) => {
            let decimals = usize::try_from(-power).unwrap_or(0);
            format!("{:.decimals$}", digit * 10f64.powi(power))
        }
        (false, 1.0) => format!("10{}", superscript(power)),
        (false, _) => format!("{digit}·10{}", superscript(power)),
    };
    ticks.into_iter().map(|tick| (at(tick), label(tick))).collect()
}

/// Every digit of every decade.
fn all_digits([low, high]: [f64; 2]) -> Vec<f64> {
    let powers = low.floor() as i32..=high.ceil() as i32;
    let places =
        powers.flat_map(|power| (1..10).map(move |d| f64::from(power) + f64::from(d).log10()));
    places.filter(|place| (low..=high).contains(place)).collect()
}

/// `⁻¹²`.
pub(crate) fn superscript(power: i32) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let digit = |c: char| match c.to_digit(10) {
        Some(digit) => DIGITS[digit as usize],
        None => '⁻',
    };
    power.to_string().chars().map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ruler: &Ruler) -> Vec<&str> {
        ruler.ticks.iter().map(|tick| tick.1.as_str()).collect()
    }

    /// Room for this many ticks.
    fn room(most: usize) -> impl Fn(&[(f64, String)], [f64; 2]) -> bool {
        move |ticks, _| ticks.len() <= most
    }

    #[test]
    fn linear_ticks_are_round_numbers_within_the_range() {
        let ruler = Ruler::linear([71.0, 93.0], [None; 2], &room(6));
        assert_eq!(labels(&ruler), ["70", "75", "80", "85", "90"]);
        let ruler = Ruler::linear([0.0, 0.31], [Some(0.0), None], &room(5));
        assert_eq!(labels(&ruler), ["0", "0.1", "0.2", "0.3"]);
        assert!(ruler.share(0.0).abs() < 1e-12);
        let ruler = Ruler::linear([-2.0, 1.0], [None; 2], &room(4));
        assert_eq!(labels(&ruler), ["−2", "−1", "0", "1"]);
        let ruler = Ruler::linear([0.0, 120_000.0], [Some(0.0), None], &room(4));
        assert_eq!(labels(&ruler), ["0", "50k", "100k"]);
        let ruler = Ruler::linear([0.0, 2.1e-5], [Some(0.0), None], &room(4));
        assert_eq!(labels(&ruler), ["0", "1·10⁻⁵", "2·10⁻⁵"]);
        let ruler = Ruler::linear([1e-60, 2e-60], [Some(1e-60), None], &room(4));
        assert_eq!(labels(&ruler), ["1.0·10⁻⁶⁰", "1.5·10⁻⁶⁰", "2.0·10⁻⁶⁰"]);
    }

    #[test]
    fn values_that_are_all_the_same_still_have_an_axis() {
        for value in [0.0, 5.0, -3.0] {
            let ruler = Ruler::linear([value, value], [None; 2], &room(8));
            assert!((ruler.share(value) - 0.5).abs() < 0.5, "{value}");
            assert!(!ruler.ticks.is_empty());
        }
    }

    #[test]
    fn decades_have_ticks_from_far_below_to_far_above_what_a_float_of_32_bits_holds() {
        let ruler = Ruler::log([-61.0, 41.0], [None; 2], &room(6));
        assert_eq!(labels(&ruler), ["10⁻⁶⁰", "10⁻⁴⁰", "10⁻²⁰", "10⁰", "10²⁰", "10⁴⁰"]);
        assert!((ruler.share(-10.0) - 0.5).abs() < 1e-12);
        let ruler = Ruler::log([-2.0, 2.0], [None; 2], &room(6));
        assert_eq!(labels(&ruler), ["0.01", "0.1", "1", "10", "100"]);
        assert_eq!(ruler.minor.len(), 9 * 4 + 4);
    }

    #[test]
    fn a_short_axis_of_decades_has_digits_between_them() {
        let range = [1f64.log10(), 20f64.log10()];
        assert_eq!(labels(&Ruler::log(range, [None; 2], &room(8))), ["1", "2", "5", "10", "20"]);
        assert_eq!(labels(&Ruler::log(range, [None; 2], &room(4))), ["1", "3", "10"]);
        let range = [0.5f64.log10(), 0.6f64.log10()];
        let ruler = Ruler::log(range, [None; 2], &room(4));
        assert!(labels(&ruler).contains(&"0.55") && ruler.share(range[1]) > 0.9);
    }

    #[test]
    fn categories_lie_evenly_and_lose_labels_where_there_is_no_room() {
        let names: Vec<String> = (0..12).map(|name| name.to_string()).collect();
        let ruler = Ruler::categories(&names, &room(6));
        assert_eq!(labels(&ruler), ["0", "2", "4", "6", "8", "10"]);
        assert!((ruler.share(11.0) - (1.0 - 0.5 / 12.0)).abs() < 1e-12);
        assert!(ruler.reversed(true).share(0.0) > 0.9);
    }
}
