//! Figures through the library: descriptions and rows in, files out.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::path::Path;

use phew_cli::collect::{Row, Rows};
use phew_cli::commands::Plot;
use phew_cli::figure::{Drawing, Figure};
use phew_cli::{Command, exit_code, parse};
use phew_graph::{LayerMask, Mask, Overwrite, Provenance, ndarray, write_arrays};
use serde_json::json;

/// Two networks, three methods, two densities, three seeds; accuracies and path sums that can be checked by hand.
fn rows() -> Rows {
    let mut rows = Vec::new();
    for (network, arch) in ["resnet20", "vgg19"].into_iter().enumerate() {
        for seed in 0..3 {
            let step = f64::from(seed) / 100.0;
            rows.push(row(arch, "dense", 1.0, seed, 0.9 + step, 40.0));
            for (method, loss) in [("phew", 0.1), ("snip", 0.2)] {
                for density in [0.1, 0.01] {
                    let accuracy = 0.9 + step - loss - if density < 0.1 { 0.1 } else { 0.0 };
                    // As small as path sums of deep networks are: 10⁻⁶⁰.
                    let ln = -60.0 * std::f64::consts::LN_10 + network as f64;
                    rows.push(row(arch, method, density, seed, accuracy, ln));
                }
            }
        }
    }
    Rows::new(rows)
}

fn row(arch: &str, method: &str, density: f64, seed: i32, accuracy: f64, ln: f64) -> Row {
    serde_json::from_value(json!({
        "schema": 1,
        "settings": { "arch": arch, "method": method, "density": density, "seed": seed },
        "values": {
            "accuracy": accuracy, "ln_path_kernel_trace": ln,
            "layers.0.width": 16, "layers.1.width": 8, "layers.10.width": 4,
        },
        "names": { "layers.0": "conv1.weight", "layers.1": "conv2.weight", "layers.10": format!("{arch}.fc") },
        "series": { "curve.loss": [2.0, 1.0 + f64::from(seed)], "curve.step": [100, 200] },
    }))
    .unwrap()
}

fn draw(description: &str) -> Drawing {
    Figure::from_toml(description).unwrap().draw(&rows(), Path::new(".")).unwrap()
}

/// Mean, deviation and n of each line of the CSV, by panel, series and x.
fn numbers(csv: &str) -> BTreeMap<(String, String, String), (f64, String, usize)> {
    let lines = csv.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        let [panel, series, x, _, mean, deviation, n] = fields[..] else { panic!("{line}") };
        let place = (panel.to_owned(), series.to_owned(), x.to_owned());
        (place, (mean.parse().unwrap(), deviation.to_owned(), n.parse().unwrap()))
    });
    lines.collect()
}

fn near(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-9, "{a} {b}");
}

/// The SVG as XML, with text as text and the font inside.
fn texts(svg: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(svg).unwrap();
    assert!(svg.contains("@font-face") && !svg.contains("<own>"));
    let texts = document.descendants().filter(|node| node.has_tag_name("text"));
    texts.map(|node| node.text().unwrap().to_owned()).collect()
}

#[test]
fn the_csv_has_the_means_and_the_svg_the_words() {
    let drawing = draw(
        "title = 'A < B'\nx = 'density'\ny = 'accuracy'\nby = 'method'\npanel = 'arch'\n\
         where = ['density<=0.1']\nreference = [{ series = 'dense' }]\nnote = 'Shrunk: all of it.'\n\
         names = { vgg19 = 'VGG-19' }",
    );
    assert_eq!((drawing.panels, drawing.series, drawing.points), (2, 2, 8));
    let found = numbers(&drawing.csv);
    let at = |panel: &str, series: &str, x: &str| {
        found[&(panel.into(), series.into(), x.into())].clone()
    };
    let (mean, deviation, n) = at("VGG-19", "snip", "1");
    near(mean, 61.0);
    near(deviation.parse().unwrap(), 1.0);
    assert_eq!(n, 3);
    near(at("resnet20", "phew", "10").0, 81.0);
    // A line across is there whatever the condition on x.
    near(at("resnet20", "dense", "").0, 91.0);
    let texts = texts(&drawing.svg);
    for text in ["A < B", "VGG-19", "resnet20", "PHEW", "SNIP", "dense", "density (%)"] {
        assert!(texts.iter().any(|found| found == text), "{text}: {texts:?}");
    }
    assert!(texts.contains(&"Mean of n = 3; band: ± one standard deviation.".into()), "{texts:?}");
    assert!(texts.contains(&"Shrunk: all of it.".into()));
    // 85 mm at 300 pixels an inch.
    assert_eq!(drawing.png[1..4], *b"PNG");
    let width = u32::from_be_bytes(drawing.png[16..20].try_into().unwrap());
    assert_eq!(width, 1004);
}

#[test]
fn natural_logarithms_are_drawn_in_decades_and_averaged_as_logarithms() {
    let drawing = draw(
        "y = 'ln_path_kernel_trace'\nx = 'density'\nby = 'method'\npanel = 'arch'\nwhere = ['method=phew']",
    );
    let found = numbers(&drawing.csv);
    near(found[&("resnet20".into(), "phew".into(), "10".into())].0, -60.0);
    assert!(drawing.csv.contains("log10 path kernel trace"));
    assert!(
        texts(&drawing.svg).iter().any(|text| text.starts_with("10⁻⁶⁰") || text.contains("·10⁻⁶⁰"))
    );
}

#[test]
fn relative_values_are_paired_by_seed() {
    let drawing = draw(
        "y = 'accuracy'\nx = 'density'\nby = 'method'\nwhere = ['arch=vgg19']\n\
         relative = { to = 'dense', as = 'difference' }",
    );
    let found = numbers(&drawing.csv);
    let (mean, deviation, n) = &found[&(String::new(), "phew".into(), "10".into())];
    // Each seed differs from its own dense network by the same: no deviation is left.
    near(*mean, -10.0);
    near(deviation.parse().unwrap(), 0.0);
    assert_eq!(*n, 3);
    assert!(!found.contains_key(&(String::new(), "dense".into(), "100".into())));
    let drawing = draw(
        "y = 'ln_path_kernel_trace'\nx = 'density'\nby = 'method'\nwhere = ['arch=vgg19', 'method!=dense']\n\
         relative = { to = 'snip', as = 'ratio' }",
    );
    near(numbers(&drawing.csv)[&(String::new(), "phew".into(), "1".into())].0, 0.0);
}

#[test]
fn layers_and_curves_lie_in_their_order() {
    let drawing = draw("y = 'layers.*.width'\nby = 'method'\nwhere = ['method=phew']");
    let xs: Vec<&str> =
        drawing.csv.lines().skip(1).map(|line| line.split(',').nth(2).unwrap()).collect();
    assert_eq!(xs, ["0", "1", "10"]);
    let drawing = draw("y = 'curve.loss'\nx = 'step'\nby = 'method'\nwhere = ['method=phew']");
    near(numbers(&drawing.csv)[&(String::new(), "phew".into(), "200".into())].0, 2.0);
}

#[test]
fn every_kind_is_drawn_and_is_xml() {
    for kind in ["lines", "bars", "heatmap", "table", "scatter"] {
        for rest in ["", "own_axes = true\npanel = 'arch'", "normalise = true", "by = 'method'"] {
            let text = format!(
                "kind = '{kind}'\nx = 'density'\ny = ['accuracy', 'ln_path_kernel_trace']\n{rest}"
            );
            let drawing = draw(&text);
            assert!(!texts(&drawing.svg).is_empty() && !drawing.csv.is_empty(), "{text}");
        }
    }
    let table = draw(
        "kind = 'table'\nx = 'density'\ny = 'accuracy'\nby = 'method'\nwhere = ['arch=vgg19']",
    );
    assert!(texts(&table.svg).contains(&"81.0 ± 1.0".to_owned()), "{:?}", texts(&table.svg));
}

#[test]
fn masks_and_arrays_are_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let layer = LayerMask::from_fn("a.weight", &[4, 6], |weight| weight < 12);
    let mask = Mask::from_layers(vec![layer]);
    mask.save(&folder.path().join("phew.safetensors"), &Provenance::default(), Overwrite::Refuse)
        .unwrap();
    let array = ndarray::ArrayD::from_elem(vec![3, 5, 5], 0.25);
    let arrays = [("digits", array.view())];
    write_arrays(&folder.path().join("x"), arrays, None, Overwrite::Refuse).unwrap();
    let figure = Figure::from_toml(
        "kind = 'images'\nwhere = ['method=phew', 'density=0.1', 'seed=0', 'arch=vgg19']\n\
         [[images]]\nfile = '{method}.safetensors'\nshow = 'masks'\nlabel = '{method} {density}'\n\
         [[images]]\nfile = 'x'\nshow = 'pictures'\nlimit = 2",
    );
    let drawing = figure.unwrap().draw(&rows(), folder.path()).unwrap();
    assert_eq!((drawing.panels, drawing.points), (2, 3));
    let lines: Vec<&str> = drawing.csv.lines().collect();
    assert_eq!(lines[1], "phew 0.1,phew.safetensors,a.weight,4,6,0.5");
    assert_eq!(lines[2], ",x,digits,5,5,0.25");
    assert_eq!(texts(&drawing.svg), ["a", "phew 0.1"]);
}

#[test]
fn the_command_writes_three_files_and_names_the_columns_that_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let text = |name: &str| path(name).to_str().unwrap().to_owned();
    std::fs::write(path("rows.jsonl"), rows().to_json_lines().unwrap()).unwrap();
    let plot = |words: &[&str]| {
        let start = [folder.path().to_str().unwrap().to_owned()].into_iter();
        let plot: Plot = parse(start.chain(words.iter().map(|word| (*word).to_owned()))).unwrap();
        plot.run()
    };
    // Accuracy by density, a line for each method.
    let report = plot(&["--where", "density<=0.1,arch=vgg19"]).unwrap();
    assert_eq!(report.files[0], path("accuracy-by-density.svg"));
    assert!(report.files.iter().all(|file| file.exists()));
    assert_eq!((report.series, report.points, report.rows), (2, 4, 12));
    // What exists is not replaced unless asked.
    assert_eq!(exit_code(&plot(&[]).unwrap_err()), 2);
    plot(&["--force", "--panel", "arch", "--reference", "dense,0.5", "--log", "x,y"]).unwrap_err();
    plot(&["--force", "--reference", "dense", "--reference", "0.5", "--log", "x,y"]).unwrap();
    let error = plot(&["--y", "acuracy", "-o", &text("a")]).unwrap_err();
    assert_eq!(exit_code(&error), 2);
    let columns = "settings arch, density, method, seed; values accuracy, layers.*.width";
    assert!(
        error.to_string().contains("`acuracy`") && error.to_string().contains(columns),
        "{error}"
    );
    let error = plot(&["--where", "density>5", "-o", &text("a")]).unwrap_err();
    assert!(error.to_string().contains("no row is left"), "{error}");
    std::fs::write(path("widths.toml"), "y = 'layers.*.width'\nby = 'method'").unwrap();
    let report = plot(&["--figure", &text("widths.toml")]).unwrap();
    assert_eq!((report.files[2].clone(), report.points), (path("widths.csv"), 9));
    std::fs::write(path("widths.toml"), "y = 'layers.*.width'\nbye = 'method'").unwrap();
    let error = plot(&["--figure", &text("widths.toml"), "--force"]).unwrap_err();
    assert!(
        error.to_string().contains("widths.toml") && error.to_string().contains("bye"),
        "{error}"
    );
}

/// The words of an SVG.
fn words(drawing: &Drawing) -> Vec<String> {
    texts(&drawing.svg)
}

#[test]
fn a_table_without_x_has_a_column_for_each_quantity() {
    let text = "kind = 'table'\nby = 'method'\nwhere = ['arch=vgg19', 'seed=0', 'density>=0.1']\n\
                y = [{ key = 'density', label = 'kept' }, { key = 'layers.1.width', label = 'units' }]";
    let found = words(&draw(text));
    for word in ["kept (%)", "units", "PHEW", "dense", "100", "10", "8"] {
        assert!(found.iter().any(|text| text == word), "{word}: {found:?}");
    }
}

#[test]
fn layers_stand_by_the_names_that_all_rows_give_them() {
    let text = "kind = 'heatmap'\nby = 'method'\ny = 'layers.*.width'\nx = { key = 'layer', named = true }";
    let found = words(&draw(text));
    let has = |word: &str| found.iter().any(|text| text == word);
    assert!(has("conv1") && has("conv2") && has("10"), "{found:?}");
    let one = words(&draw(&format!("{text}\nwhere = ['arch=vgg19']")));
    assert!(one.iter().any(|text| text == "vgg19.fc"), "{one:?}");
}

#[test]
fn a_table_may_have_the_greatest_first() {
    let columns = |reversed: bool| {
        let text = format!(
            "kind = 'table'\nby = 'method'\ny = 'accuracy'\nwhere = ['method!=dense']\n\
             x = {{ key = 'density', reversed = {reversed} }}"
        );
        let found = words(&draw(&text));
        let place = |word: &str| found.iter().position(|text| text == word).unwrap();
        place("10") < place("1")
    };
    assert!(columns(true) && !columns(false));
}

#[test]
fn slanted_labels_begin_on_the_page() {
    let long = "a name that is far longer than what there is room for";
    let text = format!(
        "kind = 'bars'\nx = 'method'\ny = 'accuracy'\n[names]\ndense = '{long}'\nphew = 'another that is long'"
    );
    let drawing = draw(&text);
    let document = roxmltree::Document::parse(&drawing.svg).unwrap();
    let label = document
        .descendants()
        .find(|node| node.has_tag_name("text") && node.text() == Some(long))
        .unwrap();
    // `translate(x y) rotate(-40)`, or x and y and a rotation: what matters is where it ends, for it is anchored there.
    let x: f64 = label.attribute("x").unwrap().parse().unwrap();
    let wide = 0.45 * 7.0 * long.len() as f64 * 40f64.to_radians().cos();
    assert!(x > wide, "{x} {wide}");
}

#[test]
fn of_each_series_the_least_density_close_to_another_is_drawn() {
    let text = "x = 'density'\ny = 'accuracy'\nby = 'method'\npanel = 'arch'\nwhere = ['method!=dense']\n\
                least = { key = 'density', y = 'accuracy', within = 0.15, of = 'dense' }";
    let drawing = draw(text);
    let found = numbers(&drawing.csv);
    let places: Vec<(&str, &str)> =
        found.keys().map(|(_, series, x)| (series.as_str(), x.as_str())).collect();
    assert_eq!(places, [("phew", "10"); 2]);
    let all = words(&drawing).join(" ");
    assert!(
        all.contains("Never as good as dense less 0.15: SNIP, resnet20; SNIP, vgg19."),
        "{all}"
    );
}
