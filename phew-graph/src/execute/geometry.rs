//! Where the scalars of a value lie in its buffer.

use crate::arch::Shape;

/// Inputs that are computed side by side, where inputs lie innermost.
pub(super) const LANES: usize = 16;

/// What lies innermost in a buffer, and goes into one vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// [`LANES`] inputs: `[rows, units, columns, inputs]`. Rows come first, so that what a window sees of all units lies
    /// together.
    Inputs,
    /// The positions of one input's map, row after row: `[units, rows, columns]`.
    Positions,
}

/// A value's maps, each with a border of zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    pub(super) units: usize,
    /// Rows and columns of a map; 1 and 1 for features.
    pub(super) size: [usize; 2],
    /// Zeros on each side.
    pub(super) border: [usize; 2],
    /// From a row to the next: columns with the border, and zeros to spare where another value's rows are longer.
    pub(super) row: usize,
    pub(super) layout: Layout,
}

impl Geometry {
    pub(super) fn of(shape: Shape, border: [usize; 2], layout: Layout) -> Self {
        let (units, size, border) = match shape {
            Shape::Features(units) => (units, [1; 2], [0; 2]),
            Shape::Sequence { channels, length } => (channels, [1, length], border),
            Shape::Image { channels, height, width } => (channels, [height, width], border),
        };
        Self { units, size, border, row: size[1] + 2 * border[1], layout }
    }

    /// Numbers that lie in each place.
    #[inline(always)]
    pub(super) fn lanes(&self) -> usize {
        match self.layout {
            Layout::Inputs => LANES,
            Layout::Positions => 1,
        }
    }

    /// Rows with the border.
    #[inline(always)]
    fn rows(&self) -> usize {
        self.size[0] + 2 * self.border[0]
    }

    /// From a position to the one below it, in places.
    #[inline(always)]
    pub(super) fn down(&self) -> usize {
        match self.layout {
            Layout::Inputs => self.units * self.row,
            Layout::Positions => self.row,
        }
    }

    /// From a unit to the next, in places.
    #[inline(always)]
    pub(super) fn next_unit(&self) -> usize {
        match self.layout {
            Layout::Inputs => self.row,
            Layout::Positions => self.rows() * self.row,
        }
    }

    /// The place of a position, of which the first is at the border's end.
    #[inline(always)]
    pub(super) fn place(&self, unit: usize, y: usize, x: usize) -> usize {
        let [above, left] = self.border;
        (y + above) * self.down() + unit * self.next_unit() + x + left
    }

    /// The unit that a place belongs to.
    pub(super) fn unit_of(&self, place: usize) -> usize {
        match self.layout {
            Layout::Inputs => place % self.down() / self.row,
            Layout::Positions => place / self.next_unit(),
        }
    }

    /// The unit, row and column of a place, counted with the border.
    pub(super) fn position_of(&self, place: usize) -> [usize; 3] {
        [self.unit_of(place), place / self.down(), place % self.row]
    }

    /// Vectors in which a unit is computed: positions of [`LANES`] inputs, or [`LANES`] positions of one.
    pub(super) fn vectors(&self) -> usize {
        let [rows, columns] = self.size;
        match self.layout {
            Layout::Inputs => rows * columns,
            Layout::Positions => ((rows - 1) * self.row + columns).div_ceil(LANES),
        }
    }

    /// Scalars of the value, for one input.
    pub(super) fn scalars(&self) -> usize {
        self.units * self.size[0] * self.size[1]
    }

    /// The runs of scalars that lie one after the other in its buffer as in arrays, in their order: how long they are, and where each
    /// begins. Features are a single run, and maps one for each row.
    pub(super) fn runs(self) -> (usize, impl Iterator<Item = usize>) {
        let ([rows, columns], units) = match (self.size, self.row) {
            ([1, 1], 1) => ([1, self.units], 1),
            (size, _) => (size, self.units),
        };
        let place = move |unit, y| self.place(unit, y, 0) * self.lanes();
        (columns, (0..units).flat_map(move |unit| (0..rows).map(move |y| place(unit, y))))
    }

    /// Numbers of a buffer.
    pub(super) fn len(&self) -> usize {
        self.units * self.rows() * self.row * self.lanes()
    }

    /// The value whose units are this one's every so many rows and columns, border included: of unit `u` those that begin
    /// at row `y` and column `x` are unit `(u·strides + y)·strides + x`.
    pub(super) fn strided(&self, stride: [usize; 2]) -> Self {
        let padded = [self.rows(), self.size[1] + 2 * self.border[1]];
        let size = [0, 1].map(|axis| padded[axis].div_ceil(stride[axis]));
        let units = self.units * stride[0] * stride[1];
        Self { units, size, border: [0; 2], row: size[1], layout: self.layout }
    }
}
