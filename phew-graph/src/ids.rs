//! Which layer, which connection, which tensor: indices that cannot be taken for each other.

use std::fmt;

/// What indexes a [`ById`](crate::ById): [`LayerId`], [`ConnectionId`] and [`TensorId`].
pub trait Id: Copy {
    /// As the types' own `new`.
    fn new(index: usize) -> Self;

    /// As the types' own `index`.
    fn index(self) -> usize;
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl $name {
            /// The one with this number, counted from 0.
            ///
            /// # Panics
            /// If the number does not fit in 32 bits.
            #[must_use]
            pub const fn new(index: usize) -> Self {
                assert!(index <= u32::MAX as usize, "an index of at most 32 bits");
                Self(index as u32)
            }

            /// Its number, counted from 0.
            #[inline]
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl Id for $name {
            fn new(index: usize) -> Self {
                Self::new(index)
            }

            #[inline]
            fn index(self) -> usize {
                self.index()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// A layer of a path graph: its place among [`PathGraph::layers`](crate::PathGraph::layers).
    LayerId
}

id! {
    /// A connection of a path graph: its place among [`PathGraph::connections`](crate::PathGraph::connections).
    ConnectionId
}

id! {
    /// A prunable tensor: its place among [`Arch::prunable`](crate::Arch::prunable), which masks, weights and scores
    /// share.
    TensorId
}
