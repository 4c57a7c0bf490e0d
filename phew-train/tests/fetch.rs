//! Downloads, against a server on the loopback that can break off, lie and ignore ranges.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use phew_train::{RemoteFile, TrainError, fetch};
use sha2::{Digest, Sha256};

/// How the server answers one request.
#[derive(Clone, Copy)]
enum Answer {
    /// As asked, ranges included.
    Properly,
    /// Breaks the connection after so many bytes of the body.
    CutAfter(usize),
    /// Sends the whole whatever range is asked for.
    IgnoringRange,
    /// Says that there is no such file.
    NotFound,
}

/// Serves `body`, answering each connection by the next of `answers`, and notes the ranges asked for.
fn serve(body: Vec<u8>, answers: Vec<Answer>) -> (String, Arc<Mutex<Vec<Option<usize>>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/file.bin", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&asked);
    std::thread::spawn(move || {
        for answer in answers {
            let (stream, _) = listener.accept().unwrap();
            let from = range(&stream);
            notes.lock().unwrap().push(from);
            respond(stream, &body, answer, from);
        }
    });
    (url, asked)
}

/// Reads a request and returns the first byte that it asks for, if it asks for a range.
fn range(stream: &TcpStream) -> Option<usize> {
    let lines = BufReader::new(stream).lines().map(Result::unwrap);
    let header: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    header.iter().find_map(|line| {
        let line = line.to_ascii_lowercase();
        line.strip_prefix("range: bytes=")?.strip_suffix('-')?.parse().ok()
    })
}

fn respond(mut stream: TcpStream, body: &[u8], answer: Answer, from: Option<usize>) {
    let size = body.len();
    let (head, rest) = match (answer, from) {
        (Answer::NotFound, _) => ("HTTP/1.1 404 Not Found".to_owned(), &body[..0]),
        (Answer::Properly | Answer::CutAfter(_), Some(from)) => (
            format!("HTTP/1.1 206 Partial\r\nContent-Range: bytes {from}-{}/{size}", size - 1),
            &body[from..],
        ),
        _ => ("HTTP/1.1 200 OK".to_owned(), body),
    };
    let length = rest.len();
    write!(stream, "{head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n").unwrap();
    let end = if let Answer::CutAfter(bytes) = answer { bytes } else { length };
    stream.write_all(&rest[..end.min(length)]).unwrap();
}

fn body() -> Vec<u8> {
    (0..200_000_u32).map(|i| (i * 7 % 251) as u8).collect()
}

fn remote(body: &[u8], url: &str) -> RemoteFile {
    let sum = Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
    let urls = vec![url.to_owned()];
    RemoteFile { name: "file.bin".to_owned(), urls, bytes: body.len() as u64, sha256: sum }
}

#[test]
fn a_whole_file_arrives_once_and_is_not_fetched_again() {
    let (url, asked) = serve(body(), vec![Answer::Properly]);
    let dir = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    let path = fetch(&remote(&body(), &url), dir.path(), &mut |bytes| seen.push(bytes)).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), body());
    assert!(seen.is_sorted() && seen.last() == Some(&200_000), "{seen:?}");
    // The server is gone by now: the file on disk is enough.
    fetch(&remote(&body(), &url), dir.path(), &mut |_| ()).unwrap();
    assert_eq!(*asked.lock().unwrap(), [None]);
}

#[test]
fn a_broken_download_goes_on_where_it_was_cut_off() {
    let answers = vec![Answer::CutAfter(70_000), Answer::CutAfter(50_000), Answer::Properly];
    let (url, asked) = serve(body(), answers);
    let dir = tempfile::tempdir().unwrap();
    let path = fetch(&remote(&body(), &url), dir.path(), &mut |_| ()).unwrap();
    assert_eq!(std::fs::read(path).unwrap(), body());
    assert_eq!(*asked.lock().unwrap(), [None, Some(70_000), Some(120_000)]);
}

#[test]
fn what_another_run_left_is_used() {
    let (url, asked) = serve(body(), vec![Answer::Properly]);
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file.bin.part"), &body()[..150_000]).unwrap();
    let path = fetch(&remote(&body(), &url), dir.path(), &mut |_| ()).unwrap();
    assert_eq!(std::fs::read(path).unwrap(), body());
    assert_eq!(*asked.lock().unwrap(), [Some(150_000)]);
    assert!(!dir.path().join("file.bin.part").exists());
}

#[test]
fn a_server_that_knows_no_ranges_is_read_from_the_beginning() {
    let (url, _) = serve(body(), vec![Answer::IgnoringRange]);
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file.bin.part"), vec![9; 1000]).unwrap();
    let path = fetch(&remote(&body(), &url), dir.path(), &mut |_| ()).unwrap();
    assert_eq!(std::fs::read(path).unwrap(), body());
}

#[test]
fn a_wrong_sum_is_refused_and_nothing_is_left() {
    let mut wrong = body();
    wrong[1234] ^= 1;
    let (url, _) = serve(wrong, vec![Answer::Properly]);
    let dir = tempfile::tempdir().unwrap();
    let error = fetch(&remote(&body(), &url), dir.path(), &mut |_| ()).unwrap_err();
    assert!(matches!(error, TrainError::Checksum { .. }), "{error}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn where_one_address_has_wrong_bytes_the_next_is_tried() {
    let mut wrong = body();
    wrong[1234] ^= 1;
    let (first, asked) = serve(wrong, vec![Answer::Properly]);
    let (second, _) = serve(body(), vec![Answer::Properly]);
    let mut file = remote(&body(), &first);
    file.urls.push(second);
    let dir = tempfile::tempdir().unwrap();
    let path = fetch(&file, dir.path(), &mut |_| ()).unwrap();
    assert_eq!(std::fs::read(path).unwrap(), body());
    assert_eq!(*asked.lock().unwrap(), [None], "it is not asked again");
}

#[test]
fn wrong_bytes_that_were_there_are_fetched_anew() {
    let (url, asked) = serve(body(), vec![Answer::Properly, Answer::Properly]);
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file.bin.part"), vec![9; 1000]).unwrap();
    let path = fetch(&remote(&body(), &url), dir.path(), &mut |_| ()).unwrap();
    assert_eq!(std::fs::read(path).unwrap(), body());
    assert_eq!(*asked.lock().unwrap(), [Some(1000), None]);
}

#[test]
fn the_next_address_is_tried_when_one_has_no_such_file() {
    let (first, _) = serve(body(), vec![Answer::NotFound]);
    let (second, _) = serve(body(), vec![Answer::Properly]);
    let mut file = remote(&body(), &first);
    file.urls.push(second);
    let dir = tempfile::tempdir().unwrap();
    let path = fetch(&file, dir.path(), &mut |_| ()).unwrap();
    assert_eq!(std::fs::read(path).unwrap(), body());
}

#[test]
fn giving_up_names_the_address_and_keeps_what_arrived() {
    let (url, _) = serve(body(), vec![Answer::CutAfter(10_000); 4]);
    let dir = tempfile::tempdir().unwrap();
    let error = fetch(&remote(&body(), &url), dir.path(), &mut |_| ()).unwrap_err().to_string();
    assert!(error.contains(&url) && error.contains("40000 of 200000 bytes"), "{error}");
    let part = std::fs::read(dir.path().join("file.bin.part")).unwrap();
    assert_eq!(part, body()[..40_000]);
}
