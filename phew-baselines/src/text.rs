//! Lists of numbers as names of schedules and allocations spell them.

/// Numbers between commas.
pub(crate) fn numbers(text: &str) -> Option<Vec<f64>> {
    text.split(',').map(|n| n.trim().parse().ok()).collect()
}

/// Numbers with commas between them.
pub(crate) fn join(numbers: &[f64]) -> String {
    numbers.iter().map(f64::to_string).collect::<Vec<_>>().join(",")
}
