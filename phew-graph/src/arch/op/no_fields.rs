//! What stands for [the fields of TOML](super) in a build without files: operators say the same of themselves, and nobody
//! asks.

/// The table of an operator that is being read: there is none.
#[derive(Debug)]
pub(crate) enum Fields {}

impl Fields {
    pub(crate) fn kind(&self) -> &str {
        match *self {}
    }

    pub(crate) fn wrong(&self, _: &str) -> String {
        match *self {}
    }

    pub(crate) fn take<T>(&mut self, _: &str) -> Result<Option<T>, String> {
        match *self {}
    }

    pub(crate) fn need<T>(&mut self, _: &str) -> Result<T, String> {
        match *self {}
    }

    pub(crate) fn lacks(&self, _: &str) -> String {
        match *self {}
    }

    pub(crate) fn has(&self, _: &str) -> bool {
        match *self {}
    }
}

/// Rows and columns.
#[derive(Debug)]
pub(crate) enum Pair {}

impl Pair {
    pub(crate) fn both(self) -> [usize; 2] {
        match self {}
    }
}

/// The fields of an operator that is written: nothing becomes of them.
#[derive(Debug)]
pub(crate) struct Written;

impl Written {
    pub(crate) fn new() -> Self {
        Self
    }

    pub(crate) fn with<T>(self, _: &str, _: T) -> Self {
        self
    }

    pub(crate) fn size(self, _: &str, _: usize) -> Self {
        self
    }

    pub(crate) fn sizes(self, _: &str, _: &[usize]) -> Self {
        self
    }

    pub(crate) fn pair(self, _: &str, _: [usize; 2]) -> Self {
        self
    }

    pub(crate) fn size_unless(self, _: &str, _: usize, _: usize) -> Self {
        self
    }

    pub(crate) fn pair_unless(self, _: &str, _: [usize; 2], _: [usize; 2]) -> Self {
        self
    }
}
