//! The papers' networks, as values of [`Arch`].
//!
//! A [`Template`] has defaults for the input shape and the number of classes, which can be changed before
//! it is built. State-dict names are torchvision's where torchvision has the network.

mod densenet;
mod lenet;
mod mlp;
mod resnet;
mod vgg;

use crate::arch::{Activation, Arch, Shape};
use crate::error::GraphError;
use mlp::Norm;

/// Most layers of a network whose name gives its depth.
const MAX_DEPTH: usize = 10_000;

/// Slope of the leaky ReLU of the signal-propagation study: TensorFlow's default, which its authors' program takes.
const LEAKY_SLOPE: f64 = 0.2;

/// A network of the zoo before its input and classes are fixed.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    name: String,
    family: Family,
    input: Shape,
    classes: usize,
}

#[derive(Clone, Debug, PartialEq)]
enum Family {
    /// Hidden widths; bias; the activation after each layer; normalisation before it.
    Mlp {
        hidden: Vec<usize>,
        bias: bool,
        activation: Activation,
        norm: Norm,
    },
    LeNet5,
    Vgg {
        layers: &'static [usize],
        /// Width of a hidden linear layer before the classifier.
        hidden: Option<usize>,
    },
    CifarResNet {
        blocks: usize,
        widen: usize,
    },
    ResNet {
        blocks: [usize; 4],
        bottleneck: bool,
        imagenet_stem: bool,
    },
    WideResNet {
        blocks: usize,
        widen: usize,
    },
    DenseNet {
        layers: usize,
        growth: usize,
    },
}

impl Template {
    fn new(name: impl Into<String>, family: Family, input: [usize; 3], classes: usize) -> Self {
        let [channels, height, width] = input;
        let input = Shape::Image { channels, height, width };
        Self { name: name.into(), family, input, classes }
    }

    /// Sets the number of classes: the width of the output.
    #[must_use]
    pub fn classes(self, classes: usize) -> Self {
        Self { classes, ..self }
    }

    /// Sets the input shape.
    #[must_use]
    pub fn input(self, input: Shape) -> Self {
        Self { input, ..self }
    }

    /// Checks and builds the architecture.
    ///
    /// # Errors
    /// [`GraphError::Shape`] if the input is too small for the network's poolings or of the wrong rank,
    /// [`GraphError::Field`] if a width is 0 or too large, [`GraphError::TooLarge`] if all are together.
    pub fn build(&self) -> Result<Arch, GraphError> {
        let (name, input, classes) = (self.name.as_str(), self.input, self.classes);
        match &self.family {
            Family::Mlp { hidden, bias, activation, norm } => {
                let after = mlp::After { activation: *activation, norm: *norm };
                mlp::build(name, input, hidden, classes, *bias, after)
            }
            Family::LeNet5 => lenet::build(name, input, classes),
            &Family::Vgg { layers, hidden } => vgg::build(name, input, layers, hidden, classes),
            &Family::CifarResNet { blocks, widen } => {
                resnet::cifar(name, input, blocks, widen, classes)
            }
            &Family::ResNet { blocks, bottleneck, imagenet_stem } => {
                resnet::imagenet(name, input, blocks, bottleneck, imagenet_stem, classes)
            }
            &Family::WideResNet { blocks, widen } => {
                resnet::wide(name, input, blocks, widen, classes)
            }
            &Family::DenseNet { layers, growth } => {
                densenet::build(name, input, layers, growth, classes)
            }
        }
    }
}

/// A multilayer perceptron with the given widths, input first, output last; ReLU between, with biases.
///
/// Layers are named `fc1`, `fc2`, …
#[must_use]
pub fn mlp(widths: &[usize]) -> Template {
    let name = format!("mlp-{}", widths.iter().map(usize::to_string).collect::<Vec<_>>().join("-"));
    let hidden = widths.get(1..widths.len().saturating_sub(1)).unwrap_or_default().to_vec();
    let input = Shape::Features(widths.first().copied().unwrap_or(0));
    let classes = if widths.len() < 2 { 0 } else { widths[widths.len() - 1] };
    let (activation, norm) = (Activation::Relu, Norm::None);
    let family = Family::Mlp { hidden, bias: true, activation, norm };
    Template { name, family, input, classes }
}

/// A network, or a family of networks, that [`by_name`] knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its name; capital letters stand for numbers.
    pub name: &'static str,
    /// A name without such letters: the same, or one of the family.
    pub example: &'static str,
    /// What it is.
    pub about: &'static str,
}

impl Known {
    const fn one(name: &'static str, about: &'static str) -> Self {
        Self { name, example: name, about }
    }

    const fn family(name: &'static str, example: &'static str, about: &'static str) -> Self {
        Self { name, example, about }
    }
}

const MLP7: &str = "7-layer MLP of the signal-propagation study, hidden width W";
const MLP7_LEAKY: &str = "the same with leaky ReLU of slope 0.2";
const VGG: &str = "VGG with batch normalisation, for 32×32 images";
const CIFAR: &str = "ResNet for CIFAR";
const IMAGENET: &str = "ResNet for ImageNet";
const MODIFIED: &str = "3×3 stem of stride 1, no max-pool, for CIFAR and Tiny-ImageNet";

const KNOWN: &[Known] = &[
    Known::family(
        "mlp-W-W-…-W",
        "mlp-784-300-100-10",
        "multilayer perceptron with these widths, input first (ReLU)",
    ),
    Known::family(
        "mlp-bn-W-W-…-W",
        "mlp-bn-784-300-100-10",
        "the same with batch normalisation before each ReLU",
    ),
    Known::family(
        "mlp-bn-out-W-W-…-W",
        "mlp-bn-out-784-100-100-100-784",
        "with batch normalisation and ReLU after the output too",
    ),
    Known::family("mlp7-linear-W", "mlp7-linear-100", MLP7),
    Known::family("mlp7-relu-W", "mlp7-relu-100", MLP7),
    Known::family("mlp7-leaky-relu-W", "mlp7-leaky-relu-100", MLP7_LEAKY),
    Known::family("mlp7-tanh-W", "mlp7-tanh-100", MLP7),
    Known::one("lenet-300-100", "LeNet-300-100 for 28×28 images"),
    Known::one("lenet-5", "LeNet-5 for 28×28 images"),
    Known::one("vgg11", VGG),
    Known::one("vgg13", VGG),
    Known::one("vgg16", VGG),
    Known::one("vgg19", VGG),
    Known::one("vgg2-16", "vgg16 with a hidden layer of 512 before the classifier"),
    Known::one("resnet20", CIFAR),
    Known::one("resnet32", CIFAR),
    Known::one("resnet44", CIFAR),
    Known::one("resnet56", CIFAR),
    Known::one("resnet18", IMAGENET),
    Known::one("resnet34", IMAGENET),
    Known::one("resnet50", IMAGENET),
    Known::one("resnet18-modified", MODIFIED),
    Known::one("resnet34-modified", MODIFIED),
    Known::family(
        "wrn-D-K",
        "wrn-16-8",
        "wide ResNet of depth D = 6n + 4, up to 10000, and widen factor K, for CIFAR; for D = 6n + 2 resnetD with K \
         times the channels",
    ),
    Known::family(
        "densenet-L-K",
        "densenet-40-12",
        "DenseNet of L = 3n + 4 layers, up to 10000, and growth rate K, for CIFAR",
    ),
];

/// All that [`by_name`] knows.
#[must_use]
pub fn known() -> &'static [Known] {
    KNOWN
}

/// A template by its name: see [`known`].
///
/// # Errors
/// [`GraphError::Zoo`] naming what is known.
pub fn by_name(name: &str) -> Result<Template, GraphError> {
    find(name).ok_or_else(|| {
        let names: Vec<&str> = known().iter().map(|known| known.name).collect();
        GraphError::Zoo(format!("no network `{name}` in the zoo, which has {}", names.join(", ")))
    })
}

fn find(name: &str) -> Option<Template> {
    let cifar = [3, 32, 32];
    let template = |family, input, classes| Some(Template::new(name, family, input, classes));
    let imagenet =
        |blocks, bottleneck, imagenet_stem| Family::ResNet { blocks, bottleneck, imagenet_stem };
    if let Some(layers) = vgg::layers(name) {
        return template(Family::Vgg { layers, hidden: None }, cifar, 10);
    }
    if name == "vgg2-16" {
        let layers = vgg::layers("vgg16")?;
        return template(Family::Vgg { layers, hidden: Some(vgg::HIDDEN) }, cifar, 10);
    }
    match name {
        "lenet-300-100" => {
            let (hidden, activation) = (vec![300, 100], Activation::Relu);
            let family = Family::Mlp { hidden, bias: true, activation, norm: Norm::None };
            template(family, [1, 28, 28], 10)
        }
        "lenet-5" => template(Family::LeNet5, [1, 28, 28], 10),
        "resnet18" => template(imagenet([2, 2, 2, 2], false, true), [3, 224, 224], 1000),
        "resnet34" => template(imagenet([3, 4, 6, 3], false, true), [3, 224, 224], 1000),
        "resnet50" => template(imagenet([3, 4, 6, 3], true, true), [3, 224, 224], 1000),
        "resnet18-modified" => template(imagenet([2, 2, 2, 2], false, false), [3, 64, 64], 200),
        "resnet34-modified" => template(imagenet([3, 4, 6, 3], false, false), [3, 64, 64], 200),
        "resnet20" | "resnet32" | "resnet44" | "resnet56" => {
            let depth: usize = name["resnet".len()..].parse().ok()?;
            template(Family::CifarResNet { blocks: (depth - 2) / 6, widen: 1 }, cifar, 10)
        }
        _ => find_parametric(name),
    }
}

/// The depth, up to [`MAX_DEPTH`], and another number of at least 1 after a prefix: 28 and 10 of `wrn-28-10`.
fn depth_and_size(name: &str, prefix: &str) -> Option<(usize, usize)> {
    let (depth, size) = name.strip_prefix(prefix)?.split_once('-')?;
    let (depth, size) = (depth.parse().ok()?, size.parse().ok()?);
    (depth <= MAX_DEPTH && size > 0).then_some((depth, size))
}

/// `wrn-28-10`, `densenet-40-12`, `mlp7-tanh-100`, `mlp-784-300-10`.
fn find_parametric(name: &str) -> Option<Template> {
    if let Some((depth, widen)) = depth_and_size(name, "wrn-") {
        // Zagoruyko & Komodakis count the projections of the three stages in.
        let family = match depth % 6 {
            4 if depth >= 10 => Family::WideResNet { blocks: (depth - 4) / 6, widen },
            2 if depth >= 8 => Family::CifarResNet { blocks: (depth - 2) / 6, widen },
            _ => return None,
        };
        return Some(Template::new(name, family, [3, 32, 32], 10));
    }
    if let Some((depth, growth)) = depth_and_size(name, "densenet-") {
        let fits = depth >= 7 && (depth - 4).is_multiple_of(3);
        let family = Family::DenseNet { layers: depth.saturating_sub(4) / 3, growth };
        return fits.then(|| Template::new(name, family, [3, 32, 32], 10));
    }
    for (prefix, activation) in [
        ("mlp7-linear-", Activation::Identity),
        ("mlp7-tanh-", Activation::Tanh),
        ("mlp7-relu-", Activation::Relu),
        ("mlp7-leaky-relu-", Activation::LeakyRelu { slope: LEAKY_SLOPE }),
    ] {
        if let Some(width) = name.strip_prefix(prefix) {
            let hidden = vec![width.parse().ok().filter(|&w: &usize| w > 0)?; 6];
            let family = Family::Mlp { hidden, bias: true, activation, norm: Norm::None };
            return Some(Template::new(name, family, [1, 28, 28], 10));
        }
    }
    let (norm, widths) =
        [("mlp-bn-out-", Norm::All), ("mlp-bn-", Norm::Hidden), ("mlp-", Norm::None)]
            .into_iter()
            .find_map(|(prefix, norm)| Some((norm, name.strip_prefix(prefix)?)))?;
    let widths: Result<Vec<usize>, _> = widths.split('-').map(str::parse).collect();
    let widths = widths.ok().filter(|w| w.len() >= 2 && w.iter().all(|&n| n > 0))?;
    let mut template = mlp(&widths);
    if let Family::Mlp { norm: of, .. } = &mut template.family {
        *of = norm;
    }
    name.clone_into(&mut template.name);
    Some(template)
}
