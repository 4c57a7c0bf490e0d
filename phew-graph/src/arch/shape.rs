//! Shapes of activations, and what each operator makes of them.

use std::fmt;

use super::{Conv2d, Op, Pool};
use crate::error::GraphError;

/// Shape of an activation, without the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A vector.
    Features(usize),
    /// A stack of maps.
    Image {
        /// Channels.
        channels: usize,
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
    },
}

impl Shape {
    /// From one number (features) or three (channels, height, width).
    #[must_use]
    pub fn from_slice(sizes: &[usize]) -> Option<Self> {
        match *sizes {
            [n] => Some(Shape::Features(n)),
            [channels, height, width] => Some(Shape::Image { channels, height, width }),
            _ => None,
        }
    }

    /// Its sizes: `[n]` or `[channels, height, width]`.
    #[must_use]
    pub fn sizes(self) -> Vec<usize> {
        match self {
            Shape::Features(n) => vec![n],
            Shape::Image { channels, height, width } => vec![channels, height, width],
        }
    }

    /// Units of a layer of this shape: features or channels.
    #[must_use]
    pub fn units(self) -> usize {
        match self {
            Shape::Features(n) => n,
            Shape::Image { channels, .. } => channels,
        }
    }

    /// Scalars of one unit: 1, or height × width.
    #[must_use]
    pub fn area(self) -> usize {
        match self {
            Shape::Features(_) => 1,
            Shape::Image { height, width, .. } => height * width,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.sizes())
    }
}

/// Shape that `op` produces from its inputs' shapes.
pub(super) fn infer(name: &str, op: &Op, inputs: &[Shape]) -> Result<Shape, GraphError> {
    let wrong = |found: Shape, wanted: String| {
        Err(GraphError::Shape { operator: name.to_owned(), found, wanted })
    };
    let field = |field, found: String, expected: &str| {
        Err(GraphError::Field {
            operator: name.to_owned(),
            field,
            found,
            expected: expected.to_owned(),
        })
    };
    match op {
        Op::Input { shape } if shape.sizes().contains(&0) => {
            field("shape", shape.to_string(), "sizes of at least 1")
        }
        Op::Input { shape } => Ok(*shape),
        Op::Conv2d(conv) => match inputs[0] {
            Shape::Image { channels, height, width } => {
                check_conv(name, conv, channels)?;
                let side = |axis: usize, size| {
                    window(
                        name,
                        inputs[0],
                        size,
                        conv.kernel[axis],
                        conv.stride[axis],
                        conv.padding[axis],
                    )
                };
                Ok(Shape::Image {
                    channels: conv.out,
                    height: side(0, height)?,
                    width: side(1, width)?,
                })
            }
            found => wrong(found, "[channels, height, width]".into()),
        },
        Op::Linear { out: 0, .. } => field("out", "0".into(), "at least 1"),
        Op::Linear { out, .. } => match inputs[0] {
            Shape::Features(_) => Ok(Shape::Features(*out)),
            found => wrong(found, "[features]; put a flatten before it".into()),
        },
        Op::BatchNorm { eps, .. } if !(*eps > 0.0 && eps.is_finite()) => {
            field("eps", eps.to_string(), "a positive number")
        }
        Op::BatchNorm { momentum, .. } if !(0.0..=1.0).contains(momentum) => {
            field("momentum", momentum.to_string(), "a number from 0 to 1")
        }
        Op::BatchNorm { .. } => Ok(inputs[0]),
        Op::Activation(super::Activation::LeakyRelu { slope }) if !slope.is_finite() => {
            field("slope", slope.to_string(), "a finite number")
        }
        Op::Activation(_) => Ok(inputs[0]),
        Op::MaxPool(pool) | Op::AvgPool(pool) => pooled(name, pool, inputs[0]),
        Op::Add => match inputs.iter().find(|&&s| s != inputs[0]) {
            Some(&found) => wrong(found, format!("{}, as its first input", inputs[0])),
            None => Ok(inputs[0]),
        },
        Op::Flatten => Ok(Shape::Features(inputs[0].units() * inputs[0].area())),
    }
}

fn check_conv(name: &str, conv: &Conv2d, channels: usize) -> Result<(), GraphError> {
    let field = |field, found: String, expected: String| {
        Err(GraphError::Field { operator: name.to_owned(), field, found, expected })
    };
    if conv.out == 0 {
        return field("out", "0".into(), "at least 1".into());
    }
    if conv.groups == 0
        || !channels.is_multiple_of(conv.groups)
        || !conv.out.is_multiple_of(conv.groups)
    {
        let expected = format!("a divisor of {channels} input and {} output channels", conv.out);
        return field("groups", conv.groups.to_string(), expected);
    }
    Ok(())
}

fn pooled(name: &str, pool: &Pool, found: Shape) -> Result<Shape, GraphError> {
    let Shape::Image { channels, height, width } = found else {
        let wanted = "[channels, height, width]".into();
        return Err(GraphError::Shape { operator: name.to_owned(), found, wanted });
    };
    let Some(kernel) = pool.kernel else {
        return Ok(Shape::Image { channels, height: 1, width: 1 });
    };
    if let Some(axis) = (0..2).find(|&a| 2 * pool.padding[a] > kernel[a]) {
        return Err(GraphError::Field {
            operator: name.to_owned(),
            field: "padding",
            found: pool.padding[axis].to_string(),
            expected: format!("at most half of the kernel {}", kernel[axis]),
        });
    }
    let side = |axis: usize, size| {
        window(name, found, size, kernel[axis], pool.stride[axis], pool.padding[axis])
    };
    Ok(Shape::Image { channels, height: side(0, height)?, width: side(1, width)? })
}

/// Number of positions of a window along one axis: `⌊(size + 2·padding − kernel) / stride⌋ + 1`.
fn window(
    name: &str,
    found: Shape,
    size: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
) -> Result<usize, GraphError> {
    let field = |field, found: usize| GraphError::Field {
        operator: name.to_owned(),
        field,
        found: found.to_string(),
        expected: "at least 1".into(),
    };
    if kernel == 0 {
        return Err(field("kernel", kernel));
    }
    if stride == 0 {
        return Err(field("stride", stride));
    }
    let padded = size + 2 * padding;
    if kernel > padded {
        let wanted = format!("maps of at least {kernel} with padding {padding} on each side");
        return Err(GraphError::Shape { operator: name.to_owned(), found, wanted });
    }
    Ok((padded - kernel) / stride + 1)
}
