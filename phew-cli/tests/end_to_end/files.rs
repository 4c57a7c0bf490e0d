//! Files that block, change or are left behind, and what they may hold.

use phew_graph::ndarray::ArrayD;
use phew_graph::{Init, Network, Overwrite, write_arrays, zoo};

use crate::common::{folder, phew, refuses, stdout};

#[cfg(unix)]
#[test]
fn named_pipes_are_refused_and_not_waited_for() {
    let folder = folder();
    let at = folder.path();
    for name in ["w", "x.toml", "plan.toml"] {
        let made = std::process::Command::new("mkfifo").arg(at.join(name)).status().unwrap();
        assert!(made.success());
    }
    for (line, code) in [
        ("prune --arch mlp-20-10 --weights w --density 0.5 -o m", 1),
        ("inspect --arch mlp-20-10 --mask w", 1),
        ("inspect --arch x.toml", 1),
        ("prune --arch mlp-20-10 --scores w --density 0.5 -o m", 1),
        ("sweep plan.toml -o s", 2),
    ] {
        refuses(at, line, code, &["is a named pipe, expected a file"]);
    }
}

#[cfg(unix)]
#[test]
fn an_output_that_is_forced_keeps_its_permissions_and_what_was_left_is_removed() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let at = folder.path();
    std::fs::write(at.join("w"), "old").unwrap();
    std::fs::set_permissions(at.join("w"), PermissionsExt::from_mode(0o640)).unwrap();
    let left = at.join(".phew-abc.tmp");
    let file = std::fs::File::create(&left).unwrap();
    file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(99)).unwrap();
    stdout(at, "init --arch mlp-20-10 -o w --force");
    assert_eq!(std::fs::metadata(at.join("w")).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(!left.exists());
}

#[test]
fn errors_of_architectures_and_weights_name_their_file() {
    let folder = folder();
    let at = folder.path();
    let arch = "name = 'x'\n[[op]]\nname = 'input'\ntype = 'input'\nshape = [4]\n\
         [[op]]\nname = 'conv'\ntype = 'conv2d'\nout = 3\nkernel = 3\n";
    std::fs::write(at.join("x.toml"), arch).unwrap();
    refuses(at, "inspect --arch x.toml", 1, &["x.toml: ", "`conv`"]);
    let network = Network::initialise(
        zoo::by_name("mlp-bn-4-3-2").unwrap().build().unwrap(),
        Init::default(),
        0,
    );
    let mut arrays: Vec<(String, ArrayD<f32>)> = network
        .unwrap()
        .arrays()
        .map(|(name, array)| (name.to_owned(), array.to_owned()))
        .collect();
    let variance = arrays.iter_mut().find(|(name, _)| name.ends_with("running_var")).unwrap();
    variance.1.fill(-1.0);
    let views = arrays.iter().map(|(name, array)| (name.as_str(), array.view()));
    write_arrays(&at.join("w"), views, None, Overwrite::Refuse).unwrap();
    let line = "prune --arch mlp-bn-4-3-2 --weights w --density 0.5 -o m";
    refuses(at, line, 1, &["w: tensor", "running_var", "-1", "at least 0"]);
}

#[test]
fn messages_stay_short_and_threads_sensible() {
    let folder = folder();
    let at = folder.path();
    let long = "x".repeat(5000);
    let output = phew(at, &format!("init --arch {long} -o w"));
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.chars().count() < 1000 && stderr.contains('…'), "{}", stderr.len());
    refuses(at, "--threads 1025 verify lemma3", 2, &["1025", "1..=1024"]);
}

#[test]
fn ties_that_choose_weights_are_said() {
    let folder = folder();
    let at = folder.path();
    let line = |values: &str| {
        format!(
            "prune --arch mlp-20-10 --weights {values} --method magnitude --density 0.5 -o m --force"
        )
    };
    let write = |name: &str, value: fn(usize) -> f32| {
        let values: Vec<f32> = (0..200).map(value).collect();
        let weights = ArrayD::from_shape_vec(vec![10, 20], values).unwrap();
        let bias = ArrayD::zeros(vec![10]);
        let arrays = [("fc1.weight", weights.view()), ("fc1.bias", bias.view())];
        write_arrays(&at.join(name), arrays, None, Overwrite::Refuse).unwrap();
    };
    write("equal", |i| if i < 30 { 2.0 } else { 1.0 });
    write("distinct", |i| 1.0 + i as f32);
    let output = phew(at, &line("equal"));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    assert!(stderr.contains("70 of 100 weights were kept because they stand first"), "{stderr}");
    let output = phew(at, &line("distinct"));
    assert!(output.status.success() && output.stderr.is_empty());
}

#[cfg(feature = "train")]
mod images {
    use std::path::Path;

    use super::*;
    use crate::common::{command, json};

    /// `train/<class>/N.png` and `val/<class>/N.png`: images of one colour each, of so many channels.
    fn put(root: &Path, channels: usize, side: u32) {
        for (part, count) in [("train", 4), ("val", 2)] {
            for class in ["a", "b"] {
                let folder = root.join(part).join(class);
                std::fs::create_dir_all(&folder).unwrap();
                for number in 0..count {
                    let value = (number * 40 + class.len()) as u8;
                    let bytes: Vec<u8> = (0..side * side).map(|at| value + at as u8 % 7).collect();
                    // Portable maps: a line, then the bytes.
                    let (kind, bytes) = match channels {
                        1 => ("P5", bytes),
                        _ => ("P6", bytes.iter().flat_map(|&byte| [byte, 0, 9]).collect()),
                    };
                    let head = format!("{kind}\n{side} {side}\n255\n");
                    let file = [head.as_bytes(), &bytes].concat();
                    std::fs::write(folder.join(format!("{number}.pnm")), file).unwrap();
                }
            }
        }
    }

    #[test]
    fn grey_folders_have_one_channel_and_options_say_otherwise() {
        let folder = folder();
        let at = folder.path();
        put(&at.join("grey"), 1, 8);
        put(&at.join("colour"), 3, 8);
        let shape = |line: &str| {
            json(at, &format!("data describe folder --json --dir {line}"))["shape"].clone()
        };
        assert_eq!(shape("grey"), serde_json::json!([1, 8, 8]));
        assert_eq!(shape("colour"), serde_json::json!([3, 8, 8]));
        assert_eq!(shape("grey --channels 3"), serde_json::json!([3, 8, 8]));
        assert_eq!(shape("colour --channels 1 --resize 4x6"), serde_json::json!([1, 4, 6]));
        let line = "prune --arch mlp-64-4-2 --method snip --data folder --data-dir colour --per-class 2 --density 0.5";
        refuses(at, &format!("{line} -o m"), 2, &["input of the network"]);
        let report = json(at, &format!("{line} --channels 1 -o m --json"));
        assert_eq!(report["parameters"]["images"]["channels"], 1);
        let line = "prune --arch mlp-64-4-2 --method phew --channels 1 --density 0.5 -o n";
        refuses(at, line, 2, &["--channels is not an option of method `phew`"]);
    }

    #[test]
    fn damaged_images_are_named_or_left_out_and_statistics_are_given() {
        let folder = folder();
        let at = folder.path();
        put(&at.join("set"), 1, 8);
        std::fs::write(at.join("set/train/a/2.pnm"), "P5\n8 8\n255\nshort").unwrap();
        std::fs::write(at.join("set/train/a/notes.txt"), "x").unwrap();
        let line = "data describe folder --dir set --json";
        refuses(at, line, 1, &["set/train/a/2.pnm: cannot be decoded", "--skip-damaged"]);
        let set = json(at, &format!("{line} --skip-damaged --mean 0.25 --deviation 0.5"));
        assert_eq!(
            (&set["train"], &set["mean"][0], &set["deviation"][0]),
            (&7.into(), &0.25.into(), &0.5.into())
        );
        let said = set["left_out"].to_string();
        assert!(
            said.contains("1 files are no images") && said.contains("1 damaged images"),
            "{said}"
        );
        let output = phew(at, &format!("{line} --skip-damaged"));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains("2.pnm") && stderr.contains("notes.txt"), "{stderr}");
        refuses(at, "data describe digits --skip-damaged", 2, &["a set of image files"]);
        refuses(
            at,
            &format!("{line} --skip-damaged --mean 1,2"),
            2,
            &["mean: found 2 numbers, expected 1"],
        );
    }

    #[test]
    fn what_is_made_of_images_is_part_of_a_run() {
        let folder = folder();
        let at = folder.path();
        put(&at.join("set"), 3, 8);
        let text = "about = 'a test'\narch = 'mlp-64-4-2'\nepochs = 1\nbatch = 2\n\
             [data]\nset = 'folder'\ndir = 'set'\n[data.images]\nchannels = 1\n\
             [optimiser]\nkind = 'sgd'\n[schedule]\nrate = 0.05\n";
        std::fs::write(at.join("r.toml"), text).unwrap();
        let line = "--threads 1 train --recipe r.toml -o";
        stdout(at, &format!("{line} one"));
        stdout(at, &format!("{line} two --mean 0.5"));
        let read = |run: &str, file: &str| std::fs::read(at.join(run).join(file)).unwrap();
        assert!(read("one", "weights.safetensors") != read("two", "weights.safetensors"));
        let config = String::from_utf8(read("two", "config.toml")).unwrap();
        assert!(
            config.contains("[recipe.data.images]") && config.contains("mean = [0.5]"),
            "{config}"
        );
        refuses(at, &format!("{line} one --mean 0.5"), 2, &["holds another run"]);
    }

    #[test]
    fn a_run_folder_has_one_worker_and_only_its_own_files() {
        let folder = folder();
        let at = folder.path();
        let line =
            "--threads 1 train --arch mlp-784-10 --epochs 1 --train-images 100 --test-images 50 -o";
        stdout(at, &format!("{line} one"));
        stdout(at, &format!("{line} two --seed 1"));
        std::fs::copy(at.join("two/result.json"), at.join("one/result.json")).unwrap();
        refuses(at, &format!("{line} one"), 1, &["one/result.json: is of run"]);
        std::fs::create_dir(at.join("alone")).unwrap();
        std::fs::copy(at.join("two/result.json"), at.join("alone/result.json")).unwrap();
        refuses(at, &format!("{line} alone"), 1, &["alone/result.json", "config.toml"]);
        std::fs::write(at.join("two/arch.toml"), "garbage").unwrap();
        refuses(at, &format!("{line} two --seed 1"), 1, &["two/arch.toml: is not the network"]);
        let lock = phew_graph::FileLock::acquire(&at.join("alone/lock")).unwrap();
        std::fs::remove_file(at.join("alone/result.json")).unwrap();
        let holder = format!("process {}", std::process::id());
        refuses(at, &format!("{line} alone"), 1, &["alone/lock", &holder]);
        drop(lock);
        assert!(command(at, &format!("{line} alone")).status().unwrap().success());
    }
}
