//! Units and positions exchanged, as before a layer over tokens.

use super::effect::Effect;
use super::fields::{Fields, Written};
use super::operator::{Arity, LinearMap, Linearised, Operator, OwnTensor};
use super::site::Site;
use crate::arch::shape::Shape;
use crate::error::GraphError;
use crate::paths::wiring::Wiring;

/// The positions of a value become its units, and its units become positions: what reads it joins tokens, at each channel alike,
/// as in the token mixing of an MLP-Mixer.
///
/// Number `p` of the positions, counted row by row, becomes unit `p`, and unit `u` becomes position `u`. The output is a sequence,
/// or with `image` an image whose rows and columns the units fill.
///
/// It has no weights. Every unit holds a scalar of every position, so a path goes on from each unit to each unit. This is phew's
/// own definition, beyond the papers: `docs/operators.md`.
///
/// ```toml
/// [[op]]
/// name = "image"
/// type = "positions_as_units"
/// image = [14, 14]
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PositionsAsUnits {
    /// Rows and columns of the output, which are as many as the units of the input; by default one row of all.
    pub image: Option<[usize; 2]>,
}

impl Operator for PositionsAsUnits {
    fn types() -> &'static [&'static str] {
        &["positions_as_units"]
    }

    fn read(fields: &mut Fields) -> Result<Self, String> {
        let sizes: Option<Vec<usize>> = fields.take("image")?;
        match sizes.as_deref() {
            None => Ok(Self { image: None }),
            Some(&[rows, columns]) => Ok(Self { image: Some([rows, columns]) }),
            Some(_) => Err(fields.wrong("image is not two sizes, rows and columns")),
        }
    }

    fn kind(&self) -> &'static str {
        "positions_as_units"
    }

    fn write(&self) -> Written {
        match self.image {
            None => Written::new(),
            Some(sizes) => Written::new().sizes("image", &sizes),
        }
    }

    fn arity(&self) -> Arity {
        Arity::One
    }

    fn shape(&self, site: &Site<'_>) -> Result<Shape, GraphError> {
        let input = site.input();
        if matches!(input, Shape::Features(_)) {
            return Err(site.wrong(input, "[channels, length] or [channels, height, width]"));
        }
        let (channels, length) = (input.area(), input.units());
        match self.image {
            None => Ok(Shape::Sequence { channels, length }),
            Some([height, width]) if height.checked_mul(width) == Some(length) => {
                Ok(Shape::Image { channels, height, width })
            }
            Some(sizes) => Err(site.field(
                "image",
                format!("{sizes:?}"),
                format!("rows and columns of the {length} units that it reads"),
            )),
        }
    }

    fn tensors(&self, _: &[Shape], _: Shape) -> Vec<OwnTensor> {
        Vec::new()
    }

    fn effect(&self, inputs: &[Shape]) -> Effect {
        Effect::Free(vec![Wiring::All { sources: inputs[0].units(), targets: inputs[0].area() }])
    }

    fn linear(&self) -> Option<&dyn LinearMap> {
        Some(self)
    }
}

impl LinearMap for PositionsAsUnits {
    fn transposed(&self, at: &Linearised<'_>, _: usize, dy: &[f64]) -> Vec<f64> {
        let (units, area) = (at.inputs[0].units(), at.inputs[0].area());
        let of = |unit: usize| (0..area).map(move |position| dy[position * units + unit]);
        (0..units).flat_map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::ArchBuilder;
    use crate::arch::op::Linear;

    #[test]
    fn values_are_those_of_a_transposition_and_back() {
        let image = Shape::Image { channels: 2, height: 1, width: 3 };
        let back = PositionsAsUnits { image: Some([1, 3]) };
        let arch = ArchBuilder::new("turned", image)
            .op("turned", PositionsAsUnits::default())
            .op("tokens", Linear { out: 3, bias: false, at_positions: true })
            .op("back", back)
            .build()
            .unwrap();
        let shapes: Vec<Vec<usize>> = arch.nodes().iter().map(|n| n.shape.sizes()).collect();
        assert_eq!(shapes, [vec![2, 1, 3], vec![3, 2], vec![3, 2], vec![2, 1, 3]]);
        assert_eq!(arch.prunable().first().map(|spec| spec.shape.to_vec()), Some(vec![3, 3]));
        assert_eq!(arch.extensions(), ["positions_as_units"]);
        // Derivatives by the rows 0 1 / 2 3 / 4 5 are those by the rows 0 2 4 / 1 3 5.
        let dy = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
        let turned = arch.pull_back(1, 0, &[], &dy).unwrap();
        assert_eq!(turned, [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]);
        assert_eq!(arch.pull_back(3, 0, &[], &turned).unwrap(), dy);
    }

    #[test]
    fn features_and_images_of_other_sizes_are_refused() {
        let sequence = Shape::Sequence { channels: 4, length: 3 };
        let refused = |shape: Shape, image| {
            let op = PositionsAsUnits { image };
            let net = ArchBuilder::new("wrong", shape).op("turned", op);
            net.op("end", Linear { out: 1, bias: false, at_positions: true }).build().unwrap_err()
        };
        let error = refused(sequence, Some([3, 2])).to_string();
        assert!(error.contains("[3, 2]") && error.contains("4 units"), "{error}");
        assert!(refused(Shape::Features(4), None).to_string().contains("length"));
    }
}
