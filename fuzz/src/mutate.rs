//! A corpus and seeded mutations of it, for tests on stable Rust: the same inputs in every run.

use std::path::Path;

/// Runs a target on the files of its corpus and on so many mutations of them, or on as many as `PHEW_MUTATIONS` says, from
/// the seed that `PHEW_MUTATIONS_SEED` says.
pub fn check(target: &str, mutations: usize, run: fn(&[u8], &Path)) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let mut mutator = Mutator::new(&corpus, given("PHEW_MUTATIONS_SEED").unwrap_or(1));
    mutator.corpus.iter().for_each(|bytes| run(bytes, scratch.path()));
    for _ in 0..given("PHEW_MUTATIONS").unwrap_or(mutations) {
        run(&mutator.mutated(), scratch.path());
    }
}

fn given<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

/// Changes files of a corpus, one after the other.
struct Mutator {
    state: u64,
    corpus: Vec<Vec<u8>>,
}

/// Words that change the meaning of what they fall into.
const WORDS: [&[u8]; 24] = [
    b"0",
    b"1",
    b"-1",
    b"255",
    b"65536",
    b"4294967295",
    b"9223372036854775807",
    b"18446744073709551616",
    b"1e39",
    b"1e-320",
    b"nan",
    b"inf",
    b"\"",
    b"[",
    b"]",
    b"{",
    b"}",
    b"\n",
    b",",
    b"=",
    b"\0",
    b"\xff\xff\xff\xff",
    b"\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"../",
];

impl Mutator {
    /// The files of a folder, which must have some, in the order of their names.
    fn new(corpus: &Path, seed: u64) -> Self {
        let entries =
            std::fs::read_dir(corpus).unwrap_or_else(|e| panic!("{}: {e}", corpus.display()));
        let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
        paths.sort();
        let corpus: Vec<Vec<u8>> =
            paths.iter().map(|path| std::fs::read(path).expect("a file of the corpus")).collect();
        assert!(!corpus.is_empty(), "the corpus is empty");
        Self { state: seed.wrapping_mul(2).wrapping_add(1), corpus }
    }

    /// `SplitMix64`.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// One file with one to eight changes.
    fn mutated(&mut self) -> Vec<u8> {
        let of = self.below(self.corpus.len());
        let mut bytes = self.corpus[of].clone();
        for _ in 0..=self.below(8) {
            self.change(&mut bytes);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len() + 1);
        let size = self.below(16);
        let end = (at + size).min(bytes.len());
        match self.below(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
            1 if at < bytes.len() => bytes[at] = self.next() as u8,
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at..end)),
            4 => {
                let word = WORDS[self.below(WORDS.len())];
                drop(bytes.splice(at..at, word.iter().copied()));
            }
            5 => {
                let word = WORDS[self.below(WORDS.len())];
                let end = (at + word.len()).min(bytes.len());
                drop(bytes.splice(at..end, word.iter().copied()));
            }
            _ => {
                let other = self.below(self.corpus.len());
                let from = self.below(self.corpus[other].len() + 1);
                let piece: Vec<u8> = self.corpus[other][from..].iter().take(64).copied().collect();
                drop(bytes.splice(at..end, piece));
            }
        }
    }
}
