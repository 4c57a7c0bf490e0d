//! The data sets by name: where they are published, how to unpack and how to read them.

use std::fmt;
use std::fs::{self, File};
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::fetch::{RemoteFile, fetch, sha256};
use super::{Dataset, cifar10, cifar100, fashion_mnist, mnist, tiny_imagenet};
use crate::error::{Result, TrainError};

/// A data set that is published somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Published {
    /// Handwritten digits, 28×28 grey, 10 classes.
    Mnist,
    /// Pieces of clothing, 28×28 grey, 10 classes.
    FashionMnist,
    /// Objects, 32×32 in colour, 10 classes.
    Cifar10,
    /// Objects, 32×32 in colour, 100 classes.
    Cifar100,
    /// Objects, 64×64 in colour, 200 classes.
    TinyImagenet,
}

impl Published {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Mnist, Self::FashionMnist, Self::Cifar10, Self::Cifar100, Self::TinyImagenet];

    /// Its name on the command line and in recipes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mnist => "mnist",
            Self::FashionMnist => "fashion-mnist",
            Self::Cifar10 => "cifar10",
            Self::Cifar100 => "cifar100",
            Self::TinyImagenet => "tiny-imagenet",
        }
    }

    /// Images to train on, images to test on and classes, as published.
    #[must_use]
    pub fn sizes(self) -> (usize, usize, usize) {
        match self {
            Self::Mnist | Self::FashionMnist => (60_000, 10_000, 10),
            Self::Cifar10 => (50_000, 10_000, 10),
            Self::Cifar100 => (50_000, 10_000, 100),
            Self::TinyImagenet => (100_000, 10_000, 200),
        }
    }

    /// The files to download.
    ///
    /// Sums of CIFAR, MNIST and Tiny-ImageNet are those that several public loaders agree on, of Fashion-MNIST those of
    /// the files whose MD5 sums its authors publish.
    #[must_use]
    pub fn files(self) -> Vec<RemoteFile> {
        let file = |bases: &[&str], name: &str, bytes: u64, sha256: &str| RemoteFile {
            name: name.to_owned(),
            urls: bases.iter().map(|base| format!("{base}/{name}")).collect(),
            bytes,
            sha256: sha256.to_owned(),
        };
        match self {
            Self::Mnist => {
                let bases = [
                    "http://yann.lecun.com/exdb/mnist",
                    "https://ossci-datasets.s3.amazonaws.com/mnist",
                    "https://storage.googleapis.com/cvdf-datasets/mnist",
                ];
                IDX_FILES.iter().zip(MNIST).map(|(n, (b, s))| file(&bases, n, b, s)).collect()
            }
            Self::FashionMnist => {
                let bases = [
                    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
                    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion",
                ];
                IDX_FILES.iter().zip(FASHION).map(|(n, (b, s))| file(&bases, n, b, s)).collect()
            }
            Self::Cifar10 => vec![file(
                &["https://www.cs.toronto.edu/~kriz"],
                "cifar-10-binary.tar.gz",
                170_052_171,
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            )],
            Self::Cifar100 => vec![file(
                &["https://www.cs.toronto.edu/~kriz"],
                "cifar-100-binary.tar.gz",
                168_513_733,
                "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
            )],
            Self::TinyImagenet => vec![file(
                &["http://cs231n.stanford.edu"],
                "tiny-imagenet-200.zip",
                248_100_043,
                "6198c8ae015e2b3e007c7841da39ec069199b9aa3bfa943a462022fe5e43c821",
            )],
        }
    }

    /// The folder that its archive unpacks to, if it is an archive.
    fn unpacked(self) -> Option<&'static str> {
        match self {
            Self::Mnist | Self::FashionMnist => None,
            Self::Cifar10 => Some("cifar-10-batches-bin"),
            Self::Cifar100 => Some("cifar-100-binary"),
            Self::TinyImagenet => Some("tiny-imagenet-200"),
        }
    }

    /// Reads it from `dir`.
    ///
    /// # Errors
    /// [`TrainError::Missing`] or [`TrainError::Corrupt`], naming the file.
    pub fn load(self, dir: &Path) -> Result<Dataset> {
        match self {
            Self::Mnist => mnist(dir),
            Self::FashionMnist => fashion_mnist(dir),
            Self::Cifar10 => cifar10(dir),
            Self::Cifar100 => cifar100(dir),
            Self::TinyImagenet => tiny_imagenet(dir),
        }
    }

    /// Downloads it into `dir`, checks the sums and unpacks archives. What is there already is not fetched again.
    ///
    /// `progress` is told the name of the file, the bytes that are there and its size.
    ///
    /// # Errors
    /// See [`fetch`]; [`TrainError::Corrupt`] if an archive cannot be unpacked.
    pub fn fetch(self, dir: &Path, progress: &mut dyn FnMut(&str, u64, u64)) -> Result<()> {
        for file in self.files() {
            let mut report = |bytes| progress(&file.name, bytes, file.bytes);
            let archive = fetch(&file, dir, &mut report)?;
            if let Some(folder) = self.unpacked()
                && !dir.join(folder).exists()
            {
                unpack(&archive, dir, folder)?;
            }
        }
        Ok(())
    }

    /// Reads all of it from `dir` and holds it against what was published: sums of the downloaded files that are still
    /// there, sizes and classes.
    ///
    /// # Errors
    /// The first file or number that is not as published.
    pub fn check(self, dir: &Path) -> Result<Dataset> {
        for file in self.files() {
            let path = dir.join(&file.name);
            if path.exists() {
                let found = sha256(&path)?;
                if found != file.sha256 {
                    let problem = format!("sha256 {found}, published is {}", file.sha256);
                    return Err(TrainError::corrupt(&path, problem));
                }
            }
        }
        let set = self.load(dir)?;
        let found = (set.train.len(), set.test.len(), set.classes.len());
        if found != self.sizes() {
            let problem = format!(
                "holds {found:?} training images, test images and classes; published are {:?}",
                self.sizes()
            );
            return Err(TrainError::corrupt(dir, problem));
        }
        Ok(set)
    }
}

impl fmt::Display for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Published {
    type Err = TrainError;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|set| set.name() == name).ok_or_else(|| TrainError::Parameter {
            what: "data set",
            found: format!("'{name}'"),
            expected: Self::ALL.map(Self::name).join(", "),
        })
    }
}

const IDX_FILES: [&str; 4] = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
];

/// Sizes and sums in the order of [`IDX_FILES`].
const MNIST: [(u64, &str); 4] = [
    (9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
    (28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
    (1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
    (4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
];

/// Sizes and sums in the order of [`IDX_FILES`].
const FASHION: [(u64, &str); 4] = [
    (26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
    (29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
    (4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
    (5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
];

/// Unpacks `folder` out of a `.tar.gz` or `.zip` archive into `dir`, all of it or nothing.
fn unpack(archive: &Path, dir: &Path, folder: &str) -> Result<()> {
    let staging = dir.join(format!("{folder}.part"));
    if staging.exists() {
        fs::remove_dir_all(&staging).map_err(TrainError::io(&staging))?;
    }
    fs::create_dir_all(&staging).map_err(TrainError::io(&staging))?;
    let file = File::open(archive).map_err(TrainError::io(archive))?;
    let damaged =
        |problem: String| TrainError::corrupt(archive, format!("cannot be unpacked: {problem}"));
    if archive.extension().is_some_and(|extension| extension == "zip") {
        zip::ZipArchive::new(file)
            .and_then(|mut zip| zip.extract(&staging))
            .map_err(|e| damaged(e.to_string()))?;
    } else {
        tar::Archive::new(flate2::read::GzDecoder::new(file))
            .unpack(&staging)
            .map_err(|e| damaged(e.to_string()))?;
    }
    let (from, to) = (staging.join(folder), dir.join(folder));
    if !from.is_dir() {
        return Err(damaged(format!("there is no folder '{folder}' in it")));
    }
    fs::rename(&from, &to).map_err(TrainError::io(&to))?;
    fs::remove_dir_all(&staging).map_err(TrainError::io(&staging))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn names_are_read_back_and_unknown_ones_list_what_there_is() {
        for set in Published::ALL {
            assert_eq!(set.name().parse::<Published>().unwrap(), set);
            assert!(set.files().iter().all(|file| file.sha256.len() == 64));
        }
        let error = "imagenet".parse::<Published>().unwrap_err().to_string();
        assert!(error.contains("mnist, fashion-mnist, cifar10"), "{error}");
    }

    #[test]
    fn what_is_not_as_published_is_named_with_what_was_expected() {
        let dir = tempfile::tempdir().unwrap();
        let record = vec![0; 3073];
        for batch in
            ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"]
        {
            fs::write(dir.path().join(format!("{batch}.bin")), &record).unwrap();
        }
        fs::write(dir.path().join("test_batch.bin"), &record).unwrap();
        fs::write(dir.path().join("batches.meta.txt"), "cat\n").unwrap();
        let check = || Published::Cifar10.check(dir.path()).unwrap_err().to_string();
        assert!(check().contains("holds (5, 1, 1)") && check().contains("(50000, 10000, 10)"));
        fs::write(dir.path().join("cifar-10-binary.tar.gz"), "another").unwrap();
        let error = check();
        assert!(
            error.contains("cifar-10-binary.tar.gz: ") && error.contains("c4a38c50"),
            "{error}"
        );
    }

    #[test]
    fn archives_of_both_kinds_unpack_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let tar_path = dir.path().join("a.tar.gz");
        let gz = flate2::write::GzEncoder::new(
            File::create(&tar_path).unwrap(),
            flate2::Compression::fast(),
        );
        let mut tar = tar::Builder::new(gz);
        let mut header = tar::Header::new_gnu();
        header.set_size(3);
        header.set_mode(0o644);
        tar.append_data(&mut header, "folder/x.bin", &b"abc"[..]).unwrap();
        tar.into_inner().unwrap().finish().unwrap();
        unpack(&tar_path, dir.path(), "folder").unwrap();
        assert_eq!(fs::read(dir.path().join("folder/x.bin")).unwrap(), b"abc");

        let zip_path = dir.path().join("b.zip");
        let mut zip = zip::ZipWriter::new(File::create(&zip_path).unwrap());
        zip.start_file("other/y.bin", zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(b"defg").unwrap();
        zip.finish().unwrap();
        unpack(&zip_path, dir.path(), "other").unwrap();
        assert_eq!(fs::read(dir.path().join("other/y.bin")).unwrap(), b"defg");

        let cut = fs::read(&tar_path).unwrap();
        fs::write(&tar_path, &cut[..cut.len() / 2]).unwrap();
        fs::remove_dir_all(dir.path().join("folder")).unwrap();
        let error = unpack(&tar_path, dir.path(), "folder").unwrap_err().to_string();
        assert!(error.contains("a.tar.gz: cannot be unpacked"), "{error}");
        assert!(!dir.path().join("folder").exists());
    }
}
