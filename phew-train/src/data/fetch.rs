//! Downloads with a checksum that go on where they were cut off.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::error::{Result, TrainError};

/// Tries after the first, each of which goes on where the last was cut off.
const RETRIES: usize = 3;
const PATIENCE: Duration = Duration::from_secs(30);

/// A published file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFile {
    /// Its name on disk.
    pub name: String,
    /// Where it is published, the official address first.
    pub urls: Vec<String>,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256 sum, in lower-case hexadecimal.
    pub sha256: String,
}

/// Downloads `file` into `dir`, unless it is there with the right sum, and returns its path.
///
/// Bytes arrive in `NAME.part`, which is kept when the connection breaks and renamed once the sum is right.
/// `progress` is told the bytes that are there.
///
/// # Errors
/// [`TrainError::Fetch`] if no address answers with the whole file, [`TrainError::Checksum`] if what arrived is not
/// what was published, [`TrainError::Io`] if it cannot be written.
pub fn fetch(file: &RemoteFile, dir: &Path, progress: &mut dyn FnMut(u64)) -> Result<PathBuf> {
    fs::create_dir_all(dir).map_err(TrainError::io(dir))?;
    let path = dir.join(&file.name);
    if path.exists() && sha256(&path)? == file.sha256 {
        progress(file.bytes);
        return Ok(path);
    }
    let part = dir.join(format!("{}.part", file.name));
    let mut last = None;
    for url in file.urls.iter().cycle().take(file.urls.len() * (1 + RETRIES)) {
        match download(url, &part, file.bytes, progress) {
            Ok(()) => {
                let found = sha256(&part)?;
                if found != file.sha256 {
                    fs::remove_file(&part).map_err(TrainError::io(&part))?;
                    let expected = file.sha256.clone();
                    return Err(TrainError::Checksum { path, expected, found });
                }
                fs::rename(&part, &path).map_err(TrainError::io(&path))?;
                return Ok(path);
            }
            Err(error @ TrainError::Fetch { .. }) => last = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(last.unwrap_or_else(|| TrainError::Fetch {
        url: file.name.clone(),
        problem: "no address is known".to_owned(),
    }))
}

/// Brings `part` to `size` bytes from `url`, going on from what is there.
fn download(url: &str, part: &Path, size: u64, progress: &mut dyn FnMut(u64)) -> Result<()> {
    let fail =
        |problem: String| TrainError::Fetch { url: url.to_owned(), problem: problem.to_owned() };
    let mut have = fs::metadata(part).map_or(0, |meta| meta.len());
    if have > size {
        fs::remove_file(part).map_err(TrainError::io(part))?;
        have = 0;
    }
    if have == size {
        progress(have);
        return Ok(());
    }
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_connect(Some(PATIENCE))
        .timeout_recv_response(Some(PATIENCE))
        .build()
        .into();
    let mut request = agent.get(url).header("Accept-Encoding", "identity");
    if have > 0 {
        request = request.header("Range", format!("bytes={have}-"));
    }
    let mut response = request.call().map_err(|e| fail(e.to_string()))?;
    // A server that does not know ranges sends the whole from its beginning.
    let resumed = have > 0 && response.status() == 206;
    let mut out = OpenOptions::new()
        .create(true)
        .append(resumed)
        .write(true)
        .truncate(!resumed)
        .open(part)
        .map_err(TrainError::io(part))?;
    have = if resumed { have } else { 0 };
    let mut body = response.body_mut().as_reader();
    let mut buffer = vec![0; 1 << 16];
    loop {
        progress(have);
        let got = body.read(&mut buffer).map_err(|e| {
            fail(format!("cut off after {have} of {size} bytes, which are kept ({e})"))
        })?;
        if got == 0 {
            break;
        }
        out.write_all(&buffer[..got]).map_err(TrainError::io(part))?;
        have += got as u64;
        if have > size {
            break;
        }
    }
    out.sync_all().map_err(TrainError::io(part))?;
    match have.cmp(&size) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Less => {
            Err(fail(format!("ended after {have} of {size} bytes, which are kept")))
        }
        std::cmp::Ordering::Greater => {
            fs::remove_file(part).map_err(TrainError::io(part))?;
            Err(fail(format!("sends more than the {size} bytes that were published")))
        }
    }
}

/// SHA-256 sum of a file, in lower-case hexadecimal.
pub(super) fn sha256(path: &Path) -> Result<String> {
    let mut file = File::open(path).map_err(TrainError::io(path))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let got = file.read(&mut buffer).map_err(TrainError::io(path))?;
        if got == 0 {
            return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        hash.update(&buffer[..got]);
    }
}
