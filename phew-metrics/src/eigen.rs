//! Eigenvalues of symmetric operators and matrices.
//!
//! An operator is a closure that multiplies a vector, so its matrix is never formed. [`Lanczos`] finds its greatest and
//! least eigenvalues, [`chebyshev_filter`] lifts the greatest above the others where products are cheap,
//! [`quadrature`] gives the distribution of all; [`krylov_basis`] keeps the vectors. Small matrices are decomposed as a
//! whole in [`dense`]. This room knows nothing of networks.

mod chebyshev_filter;
mod dense;
mod krylov_basis;
mod lanczos;
mod quadrature;
mod random_vector;

pub(crate) use chebyshev_filter::ChebyshevFilter;
pub(crate) use dense::{check_room, eigenvalues, matrix, singular_values};
pub(crate) use krylov_basis::KrylovBasis;
pub use lanczos::{Eigenvalue, Eigenvalues, Lanczos};
pub(crate) use quadrature::gauss_quadrature;
pub(crate) use random_vector::random_vector;
