//! Archives of data sets, unpacked whole or not at all.

use std::fs::{self, File};
use std::path::Path;

use crate::error::{Result, TrainError};

/// Unpacks `folder` out of a `.tar.gz` or `.zip` archive into `dir`, all of it or nothing.
pub(super) fn unpack(archive: &Path, dir: &Path, folder: &str) -> Result<()> {
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
