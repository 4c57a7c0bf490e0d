//! Programs against a plain loop in f64 over the operators.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "support/plain.rs"]
mod plain;

use phew_graph::execute::Program;
use phew_graph::ndarray::{ArrayD, IxDyn};
use phew_graph::{Arch, Mask, Network, zoo};
use plain::{Map, convolutional, noise, operator, random, tensors_of};
use proptest::prelude::*;

/// The network's output for one input, operator by operator.
fn output_of(network: &Network, mask: &Mask, input: &[f32]) -> Vec<f64> {
    let (arch, tensors) = (network.arch(), tensors_of(network, mask));
    let mut maps = vec![Map::zeros(arch.input_shape())];
    maps[0].numbers = input.iter().map(|&x| f64::from(x)).collect();
    for node in &arch.nodes()[1..] {
        let from: Vec<&Map> = node.inputs.iter().map(|&input| &maps[input]).collect();
        maps.push(operator(arch, node, &tensors, &from));
    }
    maps.pop().unwrap().numbers
}

/// Holds a program against the plain loop, for so many inputs.
fn check(network: &Network, mask: &Mask, inputs: usize, seed: u64) {
    let program = Program::new(network, Some(mask)).unwrap();
    let sizes = network.arch().input_shape().sizes();
    let shape: Vec<usize> = std::iter::once(inputs).chain(sizes).collect();
    let numbers: Vec<f32> = (0..shape.iter().product()).map(|i| noise(seed ^ 99, i)).collect();
    let all = ArrayD::from_shape_vec(IxDyn(&shape), numbers).unwrap();
    let outputs = program.run(all.view()).unwrap();
    for (number, (input, output)) in all.outer_iter().zip(outputs.outer_iter()).enumerate() {
        let wanted = output_of(network, mask, input.as_slice().unwrap());
        let greatest = wanted.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        for (found, wanted) in output.iter().zip(&wanted) {
            // f32 sums of at most some thousands of products, through some tens of layers.
            let error = (f64::from(*found) - wanted).abs();
            assert!(error <= 1e-5 * greatest.max(1e-3), "input {number}: {found} {wanted}");
        }
    }
    // An input by itself comes to the same bytes.
    if inputs > 1 {
        let one = program.run(all.slice_axis(phew_graph::ndarray::Axis(0), (inputs - 1..).into()));
        let one = one.unwrap();
        assert_eq!(one.outer_iter().next(), outputs.outer_iter().last());
    }
}

#[test]
fn networks_of_the_zoo_come_to_what_a_plain_loop_does() {
    let small = [("resnet20", 10), ("lenet-5", 10), ("lenet-300-100", 10), ("mlp-bn-20-7-5-3", 3)];
    for (name, _) in small {
        let (network, mask) = random(zoo::by_name(name).unwrap().build().unwrap(), 0.1, 1);
        for inputs in [1, 2, 16, 17] {
            check(&network, &mask, inputs, 5);
        }
        check(&network, &Mask::dense(network.arch()), 2, 6);
    }
}

#[test]
fn threads_change_no_byte() {
    for name in ["resnet20", "vgg11"] {
        let (network, mask) = random(zoo::by_name(name).unwrap().build().unwrap(), 0.3, 1);
        let program = Program::new(&network, Some(&mask)).unwrap();
        for inputs in [1, 17, 31] {
            let numbers = (0..inputs * 3 * 32 * 32).map(|i| noise(4, i)).collect();
            let batch = ArrayD::from_shape_vec(vec![inputs, 3, 32, 32], numbers).unwrap();
            let outputs = [1, 2, 3, 7].map(|threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| program.run(batch.view()).unwrap())
            });
            assert!(outputs.iter().all(|other| *other == outputs[0]), "{name}, {inputs} inputs");
        }
    }
}

/// Maps that are so large that layers go in waves of rows, of every kernel, stride and padding, with and without a skip connection.
fn in_waves() -> impl Strategy<Value = String> {
    let pair = |most: usize| prop::array::uniform2(1..most);
    let window = (pair(4), pair(3), pair(3), prop::array::uniform2(0usize..3));
    let sizes = (12usize..40, 8usize..40, 8usize..14);
    (sizes, window.clone(), window, any::<bool>()).prop_map(|(sizes, one, two, skip)| {
        let (height, width, units) = sizes;
        let conv = |name: &str, fields: String| {
            format!("[[op]]\nname = \"{name}\"\ntype = \"conv2d\"\nout = {units}\nbias = true\n{fields}")
        };
        let same = || "kernel = 3\npadding = 1\n".to_owned();
        let moved = |(kernel, stride, dilation, padding): ([usize; 2], _, _, [usize; 2])| {
            format!(
                "kernel = {kernel:?}\nstride = {stride:?}\ndilation = {dilation:?}\npadding = {padding:?}\n"
            )
        };
        let (second, third) = if skip { (same(), same()) } else { (moved(one), moved(two)) };
        let add = "[[op]]\nname = \"add\"\ntype = \"add\"\ninputs = [\"third\", \"act\"]\n";
        let act = |name: &str, kind: &str| format!("[[op]]\nname = \"{name}\"\ntype = \"{kind}\"\n");
        [
            format!("name = \"random\"\n[[op]]\nname = \"x\"\ntype = \"input\"\nshape = [2, {height}, {width}]\n"),
            conv("first", same()),
            act("act", "relu"),
            conv("second", second),
            act("act2", "tanh"),
            conv("third", third),
            if skip { add.to_owned() } else { String::new() },
            act("act3", "relu"),
            conv("fourth", same()),
        ]
        .concat()
    })
}

#[test]
fn other_shapes_are_refused() {
    let (network, _) = random(zoo::by_name("lenet-300-100").unwrap().build().unwrap(), 0.1, 1);
    let program = Program::new(&network, None).unwrap();
    for shape in [&[28, 28][..], &[1, 1, 28, 27], &[]] {
        let error = program.run(ArrayD::zeros(shape).view()).unwrap_err().to_string();
        assert!(error.contains("shape of the inputs"), "{error}");
    }
    assert_eq!(program.run(ArrayD::zeros(&[0, 1, 28, 28][..]).view()).unwrap().shape(), [0, 10]);
}

prop_compose! {
    /// A network of what imported models have besides: gates, parts, shuffles, learnt scales and shifts, uneven padding.
    fn imported()(
        height in 3usize..12, width in 3usize..12, dilation in prop::array::uniform2(1usize..3),
        out in prop::array::uniform2(1usize..4), ceil: bool, counts: bool, last: bool, kernel in 2usize..4,
        activation in prop::sample::select(vec![
            "elu", "clip\"\nmin = -0.5\nmax = 0.7\n#\"", "gelu", "gelu\"\ntanh = true\n#\"", "silu", "mish",
            "softplus", "hard_swish", "sigmoid", "hard_sigmoid",
        ]),
    ) -> String {
        let (high, wide) = (height + 1, width + 3);
        let shape = if last { format!("[{}, 6]", high * wide) } else { format!("[6, {high}, {wide}]") };
        let shift = if last { "[6]".to_owned() } else { shape };
        format!(
            "name = \"random\"\n\
             [[op]]\nname = \"x\"\ntype = \"input\"\nshape = [2, {height}, {width}]\n\
             [[op]]\nname = \"pad\"\ntype = \"pad\"\nheight = [0, 1]\nwidth = [2, 1]\n\
             [[op]]\nname = \"first\"\ntype = \"conv2d\"\nout = 6\nkernel = 3\npadding = [{}, {}]\ndilation = [{}, {}]\n\
             [[op]]\nname = \"scale\"\ntype = \"scale\"\nshape = [6, 1, 1]\n\
             [[op]]\nname = \"shift\"\ntype = \"shift\"\nshape = {shift}\n\
             [[op]]\nname = \"act\"\ntype = \"{activation}\"\n\
             [[op]]\nname = \"low\"\ntype = \"slice\"\nfirst = 0\nunits = 2\n\
             [[op]]\nname = \"high\"\ntype = \"slice\"\nfirst = 2\nunits = 4\ninputs = [\"act\"]\n\
             [[op]]\nname = \"cat\"\ntype = \"concat\"\ninputs = [\"high\", \"low\"]\n\
             [[op]]\nname = \"shuffle\"\ntype = \"shuffle\"\nrows = 2\n\
             [[op]]\nname = \"mean\"\ntype = \"avg_pool\"\n\
             [[op]]\nname = \"squeeze\"\ntype = \"conv2d\"\nout = 6\nkernel = 1\nbias = true\n\
             [[op]]\nname = \"gate\"\ntype = \"sigmoid\"\n\
             [[op]]\nname = \"one\"\ntype = \"conv2d\"\nout = 1\nkernel = 1\ninputs = [\"shuffle\"]\n\
             [[op]]\nname = \"excited\"\ntype = \"multiply\"\ninputs = [\"shuffle\", \"gate\", \"one\"]\n\
             [[op]]\nname = \"half\"\ntype = \"affine\"\nfactor = 0.5\nsummand = 0.25\n\
             [[op]]\nname = \"pool\"\ntype = \"avg_pool\"\nkernel = {kernel}\nstride = 2\npadding = 1\nceil = {ceil}\ncount_padding = {counts}\n\
             [[op]]\nname = \"mlp\"\ntype = \"linear\"\nout = 3\nat_positions = true\n\
             [[op]]\nname = \"share\"\ntype = \"adaptive_avg_pool\"\nout = [{}, {}]\n\
             [[op]]\nname = \"flat\"\ntype = \"flatten\"\n\
             [[op]]\nname = \"fc\"\ntype = \"linear\"\nout = 4\n",
            dilation[0], dilation[1], dilation[0], dilation[1], out[0], out[1],
        )
    }
}

prop_compose! {
    /// A network that makes its maps larger again, as decoders do, with a skip connection after it.
    fn decoder()(
        height in 1usize..7, width in 1usize..7, channels in 1usize..3, groups in 1usize..3, bias: bool,
        kernel in prop::array::uniform2(1usize..6), stride in prop::array::uniform2(1usize..5),
        padding in prop::array::uniform2(0usize..4), dilation in prop::array::uniform2(1usize..4),
        behind in prop::array::uniform2(0usize..4), added: bool, normed: bool,
        activation in prop::sample::select(vec!["relu", "tanh"]),
    ) -> String {
        let (channels, out) = (channels * groups, 3 * groups);
        let up = |name: &str, rest: &str| format!(
            "[[op]]\nname = \"{name}\"\ntype = \"conv_transpose2d\"\nout = {out}\nkernel = [{}, {}]\nstride = [{}, {}]\n\
             padding = [{}, {}]\ndilation = [{}, {}]\noutput_padding = [{}, {}]\ngroups = {groups}\nbias = {bias}\n{rest}",
            kernel[0], kernel[1], stride[0], stride[1], padding[0], padding[1], dilation[0], dilation[1],
            behind[0] % stride[0].max(dilation[0]), behind[1] % stride[1].max(dilation[1]),
        );
        let norm = if normed { "[[op]]\nname = \"norm\"\ntype = \"batch_norm\"\n" } else { "" };
        let add = match added {
            true => format!(
                "{}[[op]]\nname = \"add\"\ntype = \"add\"\n\
                 inputs = [\"one\", \"other\"]\n", up("other", "inputs = [\"first\"]\n")
            ),
            false => String::new(),
        };
        format!(
            "name = \"random\"\n\
             [[op]]\nname = \"x\"\ntype = \"input\"\nshape = [{channels}, {height}, {width}]\n\
             [[op]]\nname = \"first\"\ntype = \"conv2d\"\nout = {channels}\nkernel = 3\npadding = 1\n\
             {}{norm}{add}\
             [[op]]\nname = \"act\"\ntype = \"{activation}\"\n\
             [[op]]\nname = \"again\"\ntype = \"conv2d\"\nout = 2\nkernel = 3\npadding = 1\n",
            up("one", ""),
        )
    }
}

#[test]
fn transposed_convolutions_of_sequences_come_to_those_of_a_row() {
    let toml = |shape: &str, kind: &str, across: &str| {
        let field = |name: &str, along: usize| {
            format!("{name} = {}\n", across.replace('n', &along.to_string()))
        };
        format!(
            "name = \"up\"\n[[op]]\nname = \"x\"\ntype = \"input\"\nshape = {shape}\n\
             [[op]]\nname = \"up\"\ntype = \"{kind}\"\nout = 6\ngroups = 2\nbias = true\n{}{}{}{}",
            field("kernel", 5),
            field("stride", 3),
            field("padding", 2).replace("[1", "[0"),
            field("output_padding", 1).replace("[1", "[0"),
        )
    };
    let outputs =
        [("[4, 7]", "conv_transpose1d", "n"), ("[4, 1, 7]", "conv_transpose2d", "[1, n]")].map(
            |(shape, kind, across)| {
                let arch = Arch::from_toml(&toml(shape, kind, across), "up").unwrap();
                let (network, mask) = random(arch, 0.6, 4);
                let sizes = network.arch().input_shape().sizes();
                let shape: Vec<usize> = std::iter::once(17).chain(sizes).collect();
                let numbers = (0..17 * 28).map(|i| noise(3, i)).collect();
                let inputs = ArrayD::from_shape_vec(shape, numbers).unwrap();
                Program::new(&network, Some(&mask)).unwrap().run(inputs.view()).unwrap()
            },
        );
    assert_eq!(outputs[0].shape(), [17, 6, 20]);
    assert_eq!(outputs[0].flatten(), outputs[1].flatten());
}

prop_compose! {
    /// A network of what transformers have: learnt tokens, normalisation of each input by itself, attention, softmax.
    fn transformer()(
        height in 1usize..4, width in 1usize..6, heads in 1usize..4, size in 1usize..4, tokens in 1usize..3,
        groups in 1usize..3, causal: bool, behind: bool, log: bool, affine: bool,
        last in prop::sample::select(vec!["crop\"\nfirst = 0\npositions = 1\n#\"", "channel_mean"]),
    ) -> String {
        let units = heads * size;
        let deep = groups * 2;
        format!(
            "name = \"random\"\n\
             [[op]]\nname = \"x\"\ntype = \"input\"\nshape = [2, {height}, {width}]\n\
             [[op]]\nname = \"patches\"\ntype = \"conv2d\"\nout = {deep}\nkernel = 3\npadding = 1\n\
             [[op]]\nname = \"norm0\"\ntype = \"group_norm\"\ngroups = {groups}\neps = 1e-4\n\
             [[op]]\nname = \"embed\"\ntype = \"linear\"\nout = {units}\nat_positions = true\n\
             [[op]]\nname = \"class\"\ntype = \"tokens\"\nshape = [{tokens}, {units}]\nbehind = {behind}\n\
             [[op]]\nname = \"norm\"\ntype = \"layer_norm\"\naffine = {affine}\n\
             [[op]]\nname = \"q\"\ntype = \"linear\"\nout = {units}\nat_positions = true\n\
             [[op]]\nname = \"k\"\ntype = \"linear\"\nout = {units}\nat_positions = true\ninputs = [\"norm\"]\n\
             [[op]]\nname = \"v\"\ntype = \"linear\"\nout = {units}\nat_positions = true\ninputs = [\"embed\"]\n\
             [[op]]\nname = \"k2\"\ntype = \"crop\"\nfirst = 0\npositions = {positions}\ninputs = [\"k\"]\n\
             [[op]]\nname = \"v2\"\ntype = \"crop\"\nfirst = 0\npositions = {positions}\ninputs = [\"v\"]\n\
             [[op]]\nname = \"mixed\"\ntype = \"attention\"\nheads = {heads}\ncausal = {causal}\ninputs = [\"q\", \"k2\", \"v2\"]\n\
             [[op]]\nname = \"add\"\ntype = \"add\"\ninputs = [\"mixed\", \"class\"]\n\
             [[op]]\nname = \"norm2\"\ntype = \"layer_norm\"\n\
             [[op]]\nname = \"act\"\ntype = \"gelu\"\n\
             [[op]]\nname = \"turned\"\ntype = \"positions_as_units\"\n\
             [[op]]\nname = \"mix\"\ntype = \"linear\"\nout = 6\nat_positions = true\n\
             [[op]]\nname = \"image\"\ntype = \"positions_as_units\"\n\
             [[op]]\nname = \"shares\"\ntype = \"softmax\"\nlog = {log}\n\
             [[op]]\nname = \"last\"\ntype = \"{last}\"\n\
             [[op]]\nname = \"flat\"\ntype = \"flatten\"\n\
             [[op]]\nname = \"fc\"\ntype = \"linear\"\nout = 4\n",
            positions = height * width,
        )
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn waves_of_rows_change_no_byte(toml in in_waves(), density in 0.1f32..0.9, seed: u64) {
        // Nothing may be left of a map.
        let Ok(arch) = Arch::from_toml(&toml, "random") else { return Ok(()) };
        let (network, mask) = random(arch, density, seed);
        let program = Program::new(&network, Some(&mask)).unwrap();
        let sizes = network.arch().input_shape().sizes();
        let shape: Vec<usize> = std::iter::once(16).chain(sizes).collect();
        let numbers = (0..shape.iter().product()).map(|i| noise(seed ^ 99, i)).collect();
        let all = ArrayD::from_shape_vec(shape, numbers).unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let outputs = pool.install(|| program.run(all.view()).unwrap());
        for at in [0, 15] {
            let one = all.slice_axis(phew_graph::ndarray::Axis(0), (at..=at).into());
            let one = program.run(one).unwrap();
            prop_assert_eq!(one.outer_iter().next(), outputs.outer_iter().nth(at as usize));
        }
    }

    #[test]
    fn transformers_come_to_what_a_plain_loop_does(
        toml in transformer(), density in 0.2f32..1.0, inputs in 1usize..19, seed: u64,
    ) {
        let arch = Arch::from_toml(&toml, "random").unwrap();
        let (network, mask) = random(arch, density, seed);
        check(&network, &mask, inputs, seed);
    }

    #[test]
    fn random_networks_come_to_what_a_plain_loop_does(
        toml in convolutional(), density in 0.05f32..1.0, inputs in 1usize..19, seed: u64,
    ) {
        let Ok(arch) = Arch::from_toml(&toml, "random") else { return Ok(()) };
        let (network, mask) = random(arch, density, seed);
        check(&network, &mask, inputs, seed);
    }

    #[test]
    fn decoders_come_to_what_a_plain_loop_does(
        toml in decoder(), density in 0.2f32..1.0, inputs in 1usize..19, seed: u64,
    ) {
        // A padding may leave nothing of a map.
        let Ok(arch) = Arch::from_toml(&toml, "random") else { return Ok(()) };
        let (network, mask) = random(arch, density, seed);
        check(&network, &mask, inputs, seed);
    }

    #[test]
    fn networks_like_imported_ones_come_to_what_a_plain_loop_does(
        toml in imported(), density in 0.2f32..1.0, inputs in 1usize..19, seed: u64,
    ) {
        let arch = Arch::from_toml(&toml, "random").unwrap();
        let (network, mask) = random(arch, density, seed);
        check(&network, &mask, inputs, seed);
    }
}
