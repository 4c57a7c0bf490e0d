//! The scalars of images: bytes, as files have them, or numbers.

/// Scalars of images, all of one type.
#[derive(Debug, Clone, PartialEq)]
pub enum Pixels {
    /// Bytes, which stand for numbers from 0 to 1.
    Bytes(Vec<u8>),
    /// Numbers, which stand for themselves.
    Numbers(Vec<f32>),
}

impl From<Vec<u8>> for Pixels {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Vec<f32>> for Pixels {
    fn from(numbers: Vec<f32>) -> Self {
        Self::Numbers(numbers)
    }
}

impl Pixels {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Numbers(numbers) => numbers.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes, if that is what they are.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Numbers(_) => None,
        }
    }

    /// The numbers, if that is what they are.
    #[must_use]
    pub fn numbers(&self) -> Option<&[f32]> {
        match self {
            Self::Bytes(_) => None,
            Self::Numbers(numbers) => Some(numbers),
        }
    }

    /// Hash of the scalars and of what they are.
    pub(super) fn fingerprint(&self) -> String {
        match self {
            Self::Bytes(bytes) => format!("bytes {}", phew_graph::content_hash(bytes)),
            Self::Numbers(numbers) => {
                let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
                format!("numbers {}", phew_graph::content_hash(&bytes))
            }
        }
    }

    /// What the greatest byte stands for is 1: a scalar divided by this is the number that it stands for.
    pub(crate) fn unit(&self) -> f64 {
        match self {
            Self::Bytes(_) => 255.0,
            Self::Numbers(_) => 1.0,
        }
    }

    /// The first scalar that is no finite number, with its place.
    pub(super) fn first_not_finite(&self) -> Option<(usize, f32)> {
        let numbers = self.numbers()?;
        let index = numbers.iter().position(|number| !number.is_finite())?;
        Some((index, numbers[index]))
    }

    /// Groups of `size` scalars, in the order of `indices`.
    pub(super) fn select(&self, size: usize, indices: &[usize]) -> Self {
        fn gather<T: Copy>(from: &[T], size: usize, indices: &[usize]) -> Vec<T> {
            indices.iter().flat_map(|&i| &from[i * size..][..size]).copied().collect()
        }
        match self {
            Self::Bytes(bytes) => Self::Bytes(gather(bytes, size, indices)),
            Self::Numbers(numbers) => Self::Numbers(gather(numbers, size, indices)),
        }
    }

    /// The numbers that a group of `size` scalars stands for.
    pub(super) fn numbers_at(&self, size: usize, index: usize) -> Vec<f32> {
        let range = index * size..(index + 1) * size;
        match self {
            Self::Bytes(bytes) => {
                bytes[range].iter().map(|&byte| f32::from(byte) / 255.0).collect()
            }
            Self::Numbers(numbers) => numbers[range].to_vec(),
        }
    }

    /// A scalar as it is.
    #[inline]
    pub(super) fn scalar(&self, index: usize) -> f32 {
        match self {
            Self::Bytes(bytes) => f32::from(bytes[index]),
            Self::Numbers(numbers) => numbers[index],
        }
    }
}
