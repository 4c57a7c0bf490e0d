//! A block of a weighted connection: some units with the kernels onwards from each, what batches of walks draw there, and
//! how that is kept.

use crate::bulk::atomic_mask::AtomicLayer;
use crate::bulk::poisson::Poisson;
use crate::params::Granularity;
use crate::params::bias::Score;
use crate::rng::Stream;
use crate::walk::onward_kernels::OnwardKernels;
use crate::walk::scalar_draw::draw_scalar;

/// In a count: the scalars are drawn already.
pub(super) const SCALARS: u32 = 1 << 31;

/// Kernels that are read together: see [`crate::walk::batch`].
pub(super) const READS: usize = 64;

/// Some units of one side of a connection, with all kernels onwards from each: rows and columns of the matrix of
/// kernels. Forward, a unit is a column; in reverse, it is a row.
pub(crate) struct Block<'b, 'a> {
    pub(super) onward: &'b OnwardKernels<'a>,
    mask: &'b AtomicLayer,
    granularity: Granularity,
    pub(super) poisson: &'static Poisson,
    /// The first unit.
    pub(super) unit: usize,
    /// The first kernel.
    first: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

/// What is drawn for each kernel of a block.
pub(super) struct Drawn {
    /// Walks, and whether the scalars are drawn.
    pub(super) counts: Vec<u32>,
    /// Scalars that they take; empty if no kernel is drawn scalar by scalar.
    pub(super) scalars: Vec<u64>,
}

impl<'b, 'a> Block<'b, 'a> {
    /// The units `from .. from + count`, of one group.
    pub(crate) fn new(
        onward: &'b OnwardKernels<'a>,
        mask: &'b AtomicLayer,
        granularity: Granularity,
        from: usize,
        count: usize,
    ) -> Self {
        let (first, _) = onward.fan(from);
        let (rows, columns) =
            if onward.forward { (onward.outputs, count) } else { (count, onward.inputs) };
        let poisson = Poisson::tables();
        Self { onward, mask, granularity, poisson, unit: from, first, rows, columns }
    }

    /// Whether kernels may be drawn scalar by scalar.
    pub(super) fn by_scalar(&self) -> bool {
        self.granularity == Granularity::Weight && (2..=64).contains(&self.onward.kernel)
    }

    /// The number of a kernel in its tensor.
    #[inline]
    pub(super) fn kernel(&self, row: usize, column: usize) -> usize {
        self.first + row * self.onward.inputs + column
    }

    /// The scalars of a kernel that are not kept yet.
    #[inline]
    pub(super) fn open(&self, kernel: usize) -> u64 {
        let size = self.onward.kernel;
        !self.mask.bits(kernel * size, size) & u64::MAX >> (64 - size)
    }

    /// Keeps what was drawn, and adds up where it leads.
    pub(super) fn keep<S: Score>(&self, drawn: &Drawn, stream: &mut Stream) -> Vec<u64> {
        let mut arrived = vec![0; self.onward.count];
        let mut taken = Vec::with_capacity(self.columns);
        let mut scalars = [[0.0; 9]; READS];
        for row in 0..self.rows {
            let counts = &drawn.counts[row * self.columns..][..self.columns];
            taken.clear();
            for (column, &count) in counts.iter().enumerate() {
                let walks = u64::from(count & !SCALARS);
                arrived[if self.onward.forward { row } else { column }] += walks;
                // Without a branch: which kernels are taken cannot be predicted.
                taken.push(column as u32);
                taken.truncate(taken.len() - usize::from(walks == 0));
            }
            for columns in taken.chunks(READS) {
                if self.onward.kernel == 9 {
                    for (&column, scalars) in columns.iter().zip(&mut scalars) {
                        let first = self.kernel(row, column as usize) * 9;
                        if let Some(read) = self.onward.weights[first..].first_chunk() {
                            *scalars = *read;
                        }
                    }
                }
                for (&column, read) in columns.iter().zip(&scalars) {
                    let (kernel, spot) =
                        (self.kernel(row, column as usize), row * self.columns + column as usize);
                    let size = self.onward.kernel;
                    let weights = match size {
                        9 => &read[..],
                        _ => &self.onward.weights[kernel * size..][..size],
                    };
                    let count = drawn.counts[spot];
                    if count & SCALARS != 0 {
                        self.mask.insert(kernel * size, drawn.scalars[spot]);
                    } else {
                        self.keep_kernel::<S>(kernel, count, weights, stream);
                    }
                }
            }
        }
        arrived
    }

    /// Keeps the scalars that `walks` walks over a kernel draw.
    #[inline]
    fn keep_kernel<S: Score>(
        &self,
        kernel: usize,
        walks: u32,
        weights: &[f32],
        stream: &mut Stream,
    ) {
        let size = self.onward.kernel;
        let first = kernel * size;
        if size == 1 {
            self.mask.insert(first, 1);
        } else if self.granularity == Granularity::Kernel {
            (first..first + size).for_each(|scalar| self.mask.insert(scalar, 1));
        } else if size > 64 {
            (0..walks).for_each(|_| self.mask.insert(first + draw_scalar::<S>(stream, weights), 1));
        } else {
            let open = self.open(kernel);
            let mut taken = 0;
            for _ in 0..walks {
                if open & !taken == 0 {
                    break;
                }
                taken |= 1 << draw_scalar::<S>(stream, weights);
            }
            self.mask.insert(first, taken);
        }
    }
}
