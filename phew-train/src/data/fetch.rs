//! Downloads with a checksum that go on where they were cut off.

use std::collections::BTreeSet;
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
/// [`TrainError::Fetch`] if no address answers with the whole file, [`TrainError::Checksum`] if what arrived last is not
/// what was published (all addresses are tried, those of HTTPS first), [`TrainError::Io`] if it cannot be written.
pub fn fetch(file: &RemoteFile, dir: &Path, progress: &mut dyn FnMut(u64)) -> Result<PathBuf> {
    fetch_within(PATIENCE, file, dir, progress)
}

/// The same with so much patience for a server that says nothing.
fn fetch_within(
    patience: Duration,
    file: &RemoteFile,
    dir: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<PathBuf> {
    fs::create_dir_all(dir).map_err(TrainError::io(dir))?;
    let path = dir.join(&file.name);
    if path.exists() && sha256(&path)? == file.sha256 {
        progress(file.bytes);
        return Ok(path);
    }
    let part = dir.join(format!("{}.part", file.name));
    let mut last = None;
    // What sends other bytes, whole, is not asked again.
    let mut wrong = BTreeSet::new();
    for url in in_order(&file.urls).cycle().take(file.urls.len() * (1 + RETRIES)) {
        if wrong.contains(url) {
            continue;
        }
        match download(url, &part, file.bytes, patience, progress) {
            Ok(whole) => {
                let found = sha256(&part)?;
                if found == file.sha256 {
                    fs::rename(&part, &path).map_err(TrainError::io(&path))?;
                    return Ok(path);
                }
                // Whose bytes were wrong, if they came from several, nobody knows: the next begins anew.
                fs::remove_file(&part).map_err(TrainError::io(&part))?;
                let (path, expected) = (path.clone(), file.sha256.clone());
                last = Some(TrainError::Checksum { path, expected, found });
                if whole {
                    wrong.insert(url);
                }
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

/// Addresses whose bytes nobody can change on their way first, otherwise as they stand.
fn in_order(urls: &[String]) -> impl Iterator<Item = &String> + Clone {
    let is_secure = |url: &&String| url.starts_with("https:");
    urls.iter().filter(is_secure).chain(urls.iter().filter(move |url| !is_secure(url)))
}

/// Brings `part` to `size` bytes from `url`, going on from what is there. Says whether all bytes are of this address.
fn download(
    url: &str,
    part: &Path,
    size: u64,
    patience: Duration,
    progress: &mut dyn FnMut(u64),
) -> Result<bool> {
    let fail =
        |problem: String| TrainError::Fetch { url: url.to_owned(), problem: problem.to_owned() };
    let mut have = fs::metadata(part).map_or(0, |meta| meta.len());
    if have > size {
        fs::remove_file(part).map_err(TrainError::io(part))?;
        have = 0;
    }
    if have == size {
        progress(have);
        return Ok(false);
    }
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_connect(Some(patience))
        .timeout_recv_response(Some(patience))
        // Of each piece of the body: one that stops coming goes on with the next try.
        .timeout_per_read(Some(patience))
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
        std::cmp::Ordering::Equal => Ok(!resumed),
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

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_body_that_stops_coming_is_left_for_the_next_address() {
        let body = b"0123456789";
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/x", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let mut open = Vec::new();
            for sent in [4, 10] {
                let (mut stream, _) = listener.accept().unwrap();
                let lines = BufReader::new(&stream).lines().map(std::result::Result::unwrap);
                let asked: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
                let from = if asked.iter().any(|line| line.contains("bytes=4-")) { 4 } else { 0 };
                let (code, rest) = if from == 0 { (200, &body[..sent]) } else { (206, &body[4..]) };
                let length = body.len() - from;
                write!(stream, "HTTP/1.1 {code} OK\r\nContent-Length: {length}\r\n\r\n").unwrap();
                stream.write_all(rest).unwrap();
                // Never closed, and nothing more comes.
                open.push(stream);
            }
            std::thread::sleep(Duration::from_secs(60));
        });
        let sha256: String =
            Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
        let urls = vec![url.clone(), url];
        let file = RemoteFile { name: "x".to_owned(), urls, bytes: 10, sha256 };
        let dir = tempfile::tempdir().unwrap();
        let path =
            fetch_within(Duration::from_millis(300), &file, dir.path(), &mut |_| ()).unwrap();
        assert_eq!(fs::read(path).unwrap(), body);
    }

    #[test]
    fn addresses_that_nobody_can_listen_to_come_first() {
        let urls = ["http://a", "https://b", "http://c", "https://d"].map(str::to_owned);
        let order: Vec<&str> = in_order(&urls).map(|url| url.trim_start_matches("http")).collect();
        assert_eq!(order, ["s://b", "s://d", "://a", "://c"]);
    }
}
