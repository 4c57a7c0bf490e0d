//! The operators: one file each, listed here.
//!
//! An operator's file has its fields, its TOML, its arity and shape, its tensors, the linear map that it computes (if
//! it is one) and its effect on the path graph. To add one, write such a file and add it to the list below; libtorch's
//! part is an arm in phew-train's forward pass.

mod activation;
mod adaptive_avg_pool;
mod add;
mod affine;
mod attention;
mod avg_pool;
mod batch_norm;
mod channel_mean;
mod concat;
mod conv1d;
mod conv2d;
mod conv_transpose1d;
mod conv_transpose2d;
mod crop;
pub(crate) mod effect;
#[cfg(feature = "files")]
pub(super) mod fields;
#[cfg(not(feature = "files"))]
#[path = "op/no_fields.rs"]
mod fields;
mod flatten;
mod input;
mod layer_norm;
mod linear;
mod max_pool;
mod multiply;
pub(super) mod operator;
mod pad;
mod pool;
mod positions_as_units;
mod scale;
mod shift;
mod shuffle;
pub(super) mod site;
mod slice;
mod softmax;
mod tokens;
mod window;

pub use activation::Activation;
pub use adaptive_avg_pool::AdaptiveAvgPool;
pub use add::Add;
pub use affine::Affine;
pub use attention::Attention;
pub use avg_pool::AvgPool;
pub use batch_norm::BatchNorm;
pub use channel_mean::ChannelMean;
pub use concat::Concat;
pub use conv_transpose1d::ConvTranspose1d;
pub use conv_transpose2d::ConvTranspose2d;
pub use conv1d::Conv1d;
pub use conv2d::Conv2d;
pub use crop::Crop;
pub use flatten::Flatten;
pub use input::Input;
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use max_pool::MaxPool;
pub use multiply::Multiply;
pub use pad::Pad;
pub use pool::Pool;
pub use positions_as_units::PositionsAsUnits;
pub use scale::Scale;
pub use shift::Shift;
pub use shuffle::Shuffle;
pub use slice::Slice;
pub use softmax::Softmax;
pub use tokens::Tokens;
pub use window::Window;

#[cfg(feature = "files")]
use fields::Fields;
use operator::Operator;

/// Makes [`Op`] and its dispatch from the list of operators.
macro_rules! operators {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What a node does: one of the operators of [`crate::op`].
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Op {
            $($(#[$doc])* $name($name),)*
        }

        impl Op {
            /// What the operator says about itself.
            pub(crate) fn operator(&self) -> &dyn Operator {
                match self {
                    $(Op::$name(operator) => operator,)*
                }
            }

            /// All types that TOML knows.
            #[cfg(feature = "files")]
            pub(super) fn types() -> impl Iterator<Item = &'static str> {
                [$($name::types(),)*].into_iter().flatten().copied()
            }

            /// Reads the fields of an operator, if there is one of this type.
            #[cfg(feature = "files")]
            pub(super) fn read(fields: &mut Fields) -> Result<Option<Self>, String> {
                $(if $name::types().contains(&fields.kind()) {
                    return $name::read(fields).map(|operator| Some(Op::$name(operator)));
                })*
                Ok(None)
            }
        }

        $(impl From<$name> for Op {
            fn from(operator: $name) -> Self {
                Op::$name(operator)
            }
        })*
    };
}

operators! {
    /// The network's input.
    Input,
    /// Convolution.
    Conv2d,
    /// Convolution over sequences.
    Conv1d,
    /// Transposed convolution.
    ConvTranspose2d,
    /// Transposed convolution over sequences.
    ConvTranspose1d,
    /// Fully connected.
    Linear,
    /// Batch normalisation.
    BatchNorm,
    /// Layer and group normalisation.
    LayerNorm,
    /// Learnt factors.
    Scale,
    /// Learnt summands.
    Shift,
    /// A fixed factor and summand.
    Affine,
    /// An activation function.
    Activation,
    /// Softmax over units.
    Softmax,
    /// Maximum over windows.
    MaxPool,
    /// Mean over windows.
    AvgPool,
    /// Mean over as many windows as are asked for.
    AdaptiveAvgPool,
    /// Mean over units.
    ChannelMean,
    /// Zeros around a map.
    Pad,
    /// Sum of inputs of one shape.
    Add,
    /// Channels or features of several inputs, one after the other.
    Concat,
    /// Product of inputs: a gate.
    Multiply,
    /// Attention of several heads.
    Attention,
    /// Learnt positions beside those of the input.
    Tokens,
    /// Some of the positions.
    Crop,
    /// Units and positions exchanged.
    PositionsAsUnits,
    /// Some of the units.
    Slice,
    /// The units in another order.
    Shuffle,
    /// Maps to features.
    Flatten,
}

impl Op {
    /// The operator's name in TOML and in messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.operator().kind()
    }

    /// Whether it computes a linear map (up to a constant) while its tensors stay as they are: batch normalisation
    /// does, by its running statistics, and ReLU does not.
    ///
    /// Maps of [`Input`](Op::Input) are none: it reads nothing.
    #[must_use]
    pub fn is_linear(&self) -> bool {
        self.operator().linear().is_some()
    }
}
