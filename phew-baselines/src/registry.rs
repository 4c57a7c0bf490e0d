//! Tables of methods: what a method is called, keeps and needs, and how it is built.
//!
//! An [`Entry`] is generic over how its method is built, so that programs that have more than scores, such as walks, put
//! entries of their own beside those of [`methods`](crate::methods): one list for all that names a method.

use crate::error::BaselineError;
use crate::needs::Needs;

/// A method in a table.
#[derive(Clone, Copy, Debug)]
pub struct Entry<B> {
    /// Its name.
    pub name: &'static str,
    /// What it keeps, in a line.
    pub keeps: &'static str,
    /// What it needs.
    pub needs: Needs,
    /// Where it comes from.
    pub paper: &'static str,
    /// How it is built; [`Scored`](crate::Scored) for the methods of this crate.
    pub build: B,
}

impl<B> Entry<B> {
    /// The same method in a table of another kind.
    pub fn map<C>(self, build: impl FnOnce(B) -> C) -> Entry<C> {
        let Entry { name, keeps, needs, paper, build: how } = self;
        Entry { name, keeps, needs, paper, build: build(how) }
    }
}

/// All methods that a program knows, in the order of a listing.
///
/// # Examples
/// A program that adds a method of its own:
/// ```
/// use phew_baselines::{Entry, Needs, Registry, Scored, methods};
///
/// #[derive(Clone, Copy)]
/// enum Build {
///     /// Kept by hand.
///     ByHand,
///     Scores(Scored),
/// }
///
/// let mine = Entry {
///     name: "by-hand",
///     keeps: "what I like",
///     needs: Needs::Nothing,
///     paper: "none",
///     build: Build::ByHand,
/// };
/// let theirs = methods().iter().map(|entry| entry.map(Build::Scores));
/// let all: Registry<Build> = std::iter::once(mine).chain(theirs).collect();
/// assert!(all.find("by-hand").is_ok() && all.find("synflow").is_ok());
/// assert!(all.find("synflov").is_err());
/// ```
#[derive(Clone, Debug)]
pub struct Registry<B> {
    entries: Vec<Entry<B>>,
}

impl<B> FromIterator<Entry<B>> for Registry<B> {
    fn from_iter<I: IntoIterator<Item = Entry<B>>>(entries: I) -> Self {
        Self { entries: entries.into_iter().collect() }
    }
}

impl<'r, B> IntoIterator for &'r Registry<B> {
    type Item = &'r Entry<B>;
    type IntoIter = std::slice::Iter<'r, Entry<B>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<B> Registry<B> {
    /// All entries.
    pub fn iter(&self) -> std::slice::Iter<'_, Entry<B>> {
        self.entries.iter()
    }

    /// The entry of this name; if there are several, the first.
    ///
    /// # Errors
    /// [`BaselineError::Parameter`] naming all methods.
    pub fn find(&self, name: &str) -> Result<&Entry<B>, BaselineError> {
        self.iter().find(|entry| entry.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.iter().map(|entry| entry.name).collect();
            let expected = format!("one of {}", names.join(", "));
            BaselineError::parameter("method", format!("`{name}`"), expected)
        })
    }
}
