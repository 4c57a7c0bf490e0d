//! Dense matrices that lose their empty rows and columns.

/// Rows and columns of a matrix of `width` columns that hold anything above `least`; a cell has `depth` values.
pub(super) fn occupied<T: Copy + PartialOrd>(
    values: &[T],
    width: usize,
    depth: usize,
    least: T,
) -> (Vec<usize>, Vec<usize>) {
    // A loop of comparisons alone is made of vectors.
    let greater = |a: T, b: T| if b > a { b } else { a };
    let mut greatest = vec![least; width * depth];
    let mut rows = Vec::new();
    for (r, row) in values.chunks_exact(width * depth).enumerate() {
        greatest.iter_mut().zip(row).for_each(|(g, &v)| *g = greater(*g, v));
        if row.iter().any(|v| *v > least) {
            rows.push(r);
        }
    }
    let columns = greatest.chunks_exact(depth).enumerate();
    let columns = columns.filter(|(_, g)| g.iter().any(|g| *g > least)).map(|(c, _)| c).collect();
    (rows, columns)
}

/// Some rows and columns of a matrix of `width` columns, whose cells have `depth` values.
pub(super) fn select<T: Copy>(
    values: &[T],
    depth: usize,
    width: usize,
    rows: &[usize],
    columns: &[usize],
) -> Vec<T> {
    let mut selected = Vec::with_capacity(rows.len() * columns.len() * depth);
    for &r in rows {
        let row = &values[r * width * depth..][..width * depth];
        match depth {
            1 => selected.extend(columns.iter().map(|&c| row[c])),
            _ => {
                columns.iter().for_each(|&c| selected.extend_from_slice(&row[c * depth..][..depth]))
            }
        }
    }
    selected
}
