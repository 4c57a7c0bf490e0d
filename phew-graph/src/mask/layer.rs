//! The mask of one tensor: a bit per scalar in row-major order.

use std::borrow::Cow;

use crate::arch::TensorShape;

/// Kept bits of one tensor, with their number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerMask {
    name: String,
    shape: TensorShape,
    len: usize,
    kept: usize,
    /// Bit `i % 64` of word `i / 64` is scalar `i`; bits beyond the last scalar are 0.
    words: Vec<u64>,
}

impl LayerMask {
    /// Nothing kept.
    #[must_use]
    pub fn empty(name: &str, shape: impl Into<TensorShape>) -> Self {
        Self::filled(name, shape.into(), 0)
    }

    /// Everything kept.
    #[must_use]
    pub fn dense(name: &str, shape: impl Into<TensorShape>) -> Self {
        let mut layer = Self::filled(name, shape.into(), u64::MAX);
        layer.kept = layer.len;
        layer.trim();
        layer
    }

    fn filled(name: &str, shape: TensorShape, word: u64) -> Self {
        let len = shape.scalars();
        let count = len.div_ceil(64);
        // Written here and now. Memory that the allocator zeroes, as it does for a zero that it knows, is mapped on
        // the first read and again on the first write, and each time the kernel is waited for.
        let mut words = Vec::with_capacity(count);
        words.resize(count, std::hint::black_box(word));
        Self { name: name.to_owned(), shape, len, kept: 0, words }
    }

    /// Keeps the scalars for which `keep` holds.
    #[must_use]
    pub fn from_fn(
        name: &str,
        shape: impl Into<TensorShape>,
        keep: impl Fn(usize) -> bool,
    ) -> Self {
        let mut layer = Self::empty(name, shape);
        for (w, word) in layer.words.iter_mut().enumerate() {
            let in_word = (layer.len - w * 64).min(64);
            *word = (0..in_word).fold(0, |bits, b| bits | u64::from(keep(w * 64 + b)) << b);
        }
        layer.recount();
        layer
    }

    /// From words of bits; bits beyond the last scalar are dropped.
    ///
    /// # Panics
    /// If there are not exactly `⌈len / 64⌉` words.
    #[must_use]
    pub fn from_words(name: &str, shape: impl Into<TensorShape>, words: Vec<u64>) -> Self {
        let shape = shape.into();
        let len = shape.scalars();
        assert_eq!(words.len(), len.div_ceil(64), "one bit for each scalar of `{name}`");
        let mut layer = Self { name: name.to_owned(), shape, len, kept: 0, words };
        layer.trim();
        layer.recount();
        layer
    }

    /// Name of the tensor.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Shape of the tensor, whose order in memory the bits have.
    #[must_use]
    pub fn shape(&self) -> &TensorShape {
        &self.shape
    }

    /// Number of scalars.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a tensor of an architecture is never empty")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Scalars kept.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.kept
    }

    /// Kept over all.
    #[must_use]
    pub fn density(&self) -> f64 {
        self.kept as f64 / self.len as f64
    }

    /// The bits, 64 to a word.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// Whether a scalar is kept.
    ///
    /// # Panics
    /// If `index` is out of range.
    #[must_use]
    pub fn get(&self, index: usize) -> bool {
        assert!(index < self.len, "scalar {index} of {}", self.len);
        self.words[index / 64] >> (index % 64) & 1 == 1
    }

    /// Keeps a scalar; true if it was not kept before.
    ///
    /// # Panics
    /// If `index` is out of range.
    pub fn insert(&mut self, index: usize) -> bool {
        assert!(index < self.len, "scalar {index} of {}", self.len);
        let (word, bit) = (&mut self.words[index / 64], 1 << (index % 64));
        let new = *word & bit == 0;
        *word |= bit;
        self.kept += usize::from(new);
        new
    }

    /// Keeps scalars, and appends those that were not kept before to `new`.
    ///
    /// # Panics
    /// If an index is out of range.
    pub fn insert_all(&mut self, indices: impl IntoIterator<Item = u32>, new: &mut Vec<u32>) {
        let before = new.len();
        for index in indices {
            let at = index as usize;
            assert!(at < self.len, "scalar {at} of {}", self.len);
            let (word, bit) = (&mut self.words[at / 64], 1 << (at % 64));
            let kept = *word & bit != 0;
            *word |= bit;
            // Without a branch: whether a scalar is new cannot be predicted.
            new.push(index);
            new.truncate(new.len() - usize::from(kept));
        }
        self.kept += new.len() - before;
    }

    /// Prunes a scalar; true if it was kept before.
    ///
    /// # Panics
    /// If `index` is out of range.
    pub fn remove(&mut self, index: usize) -> bool {
        assert!(index < self.len, "scalar {index} of {}", self.len);
        let (word, bit) = (&mut self.words[index / 64], 1 << (index % 64));
        let old = *word & bit != 0;
        *word &= !bit;
        self.kept -= usize::from(old);
        old
    }

    /// The kept scalars in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.words.iter().enumerate().flat_map(|(w, &word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                (rest != 0).then(|| {
                    let bit = rest.trailing_zeros() as usize;
                    rest &= rest - 1;
                    w * 64 + bit
                })
            })
        })
    }

    /// Up to 64 bits from any position: bit 0 of the result is scalar `start`. Bits beyond the tensor are 0.
    #[must_use]
    #[inline]
    pub fn bits(&self, start: usize) -> u64 {
        let (word, shift) = (start / 64, start % 64);
        let low = self.words.get(word).copied().unwrap_or(0) >> shift;
        if shift == 0 {
            return low;
        }
        low | self.words.get(word + 1).copied().unwrap_or(0) << (64 - shift)
    }

    /// Scalars kept by both.
    #[must_use]
    pub fn common(&self, other: &Self) -> usize {
        self.words.iter().zip(&other.words).map(|(a, b)| (a & b).count_ones() as usize).sum()
    }

    /// Kept exactly where this one prunes.
    #[must_use]
    pub fn not(&self) -> Self {
        let words = self.words.iter().map(|w| !w).collect();
        let mut layer = Self { words, kept: self.len - self.kept, ..self.clone_head() };
        layer.trim();
        layer
    }

    pub(super) fn zip(&self, other: &Self, f: impl Fn(u64, u64) -> u64) -> Self {
        let words = self.words.iter().zip(&other.words).map(|(&a, &b)| f(a, b)).collect();
        let mut layer = Self { words, ..self.clone_head() };
        layer.recount();
        layer
    }

    /// The same bits in the order of files, as a plain shape.
    #[must_use]
    pub fn in_files(&self) -> Cow<'_, Self> {
        if self.shape.is_plain() {
            return Cow::Borrowed(self);
        }
        let mut filed = Self::empty(&self.name, self.shape.in_files());
        self.iter().for_each(|index| _ = filed.insert(self.shape.place_in_files(index)));
        Cow::Owned(filed)
    }

    /// Bits that came in the order of files, in that of this shape; `None` if they came in another one or are of other sizes.
    pub(super) fn to_memory(&self, shape: &TensorShape) -> Option<Self> {
        if !self.shape.is_plain() || self.shape[..] != shape.in_files()[..] {
            return None;
        }
        let kept = |index| self.get(shape.place_in_files(index));
        Some(Self::from_fn(&self.name, shape, kept))
    }

    fn clone_head(&self) -> Self {
        let (name, shape) = (self.name.clone(), self.shape.clone());
        Self { name, shape, len: self.len, kept: 0, words: Vec::new() }
    }

    fn trim(&mut self) {
        if let (Some(last), used @ 1..) = (self.words.last_mut(), self.len % 64) {
            *last &= (1 << used) - 1;
        }
    }

    fn recount(&mut self) {
        self.kept = self.words.iter().map(|w| w.count_ones() as usize).sum();
    }
}
