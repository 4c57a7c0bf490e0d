//! What a process leaves that ends in the midst of a write. Alone in its file: it discards all writes of the process.

use std::io::Write;

use phew_graph::{GraphError, Overwrite, discard_temporaries, write_atomically};

#[test]
fn discarding_a_write_leaves_the_old_file_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    let files = || std::fs::read_dir(folder.path()).unwrap().count();
    let write = |text: &'static str, discard: bool| {
        write_atomically(&path, Overwrite::Replace, |w| {
            w.write_all(text.as_bytes()).unwrap();
            let before = files();
            if discard {
                discard_temporaries();
                assert_eq!(files(), before - 1, "the temporary file is gone");
            }
            Ok(())
        })
    };
    write("old", false).unwrap();
    assert!(matches!(write("new", true), Err(GraphError::Io { .. })));
    assert_eq!((std::fs::read_to_string(&path).unwrap().as_str(), files()), ("old", 1));
    // What is written is not discarded.
    discard_temporaries();
    assert_eq!(files(), 1);
    write("new", false).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
}
