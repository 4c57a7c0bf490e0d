//! The commands that a job can consist of, with their options as clap knows them.
//!
//! A job is one of phew's own commands: every option that the command has is a setting of a plan, by its long name, and
//! is read by the command's own parser.

use std::any::TypeId;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::LazyLock;

use clap::ArgAction;
use serde_json::Value;

use super::value::of_text;
use crate::command::{Entry, Job, entry};
use crate::commands::{
    compare::Compare, data::Data, init::Init, inspect::Inspect, prune::Prune, transform::Transform,
};
#[cfg(feature = "train")]
use crate::commands::{measure::Measure, train::Train};

/// A command that a job can consist of.
pub(crate) struct Tool {
    /// Its name in a plan: that of the command, or of a transformation.
    pub(crate) name: &'static str,
    entry: Entry,
    sub: Option<&'static str>,
    /// Its options.
    pub(crate) options: Vec<Opt>,
}

/// An option of a command.
#[derive(Debug)]
pub(crate) struct Opt {
    /// Its long name.
    pub(crate) name: String,
    /// What its value is.
    pub(crate) kind: Kind,
    /// What it is where it is not given.
    pub(crate) default: Option<Value>,
    /// The heading of the help that it stands under.
    pub(crate) heading: Option<String>,
}

/// What the value of an option is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// None: it is given or not.
    Flag,
    /// A file or a folder.
    File,
    /// Anything else.
    Plain,
}

/// A line of the table: the name, the command where this build has it, and the subcommand where it has some.
type Line = (&'static str, Option<Entry>, Option<&'static str>);

/// The table.
const LINES: [Line; 13] = [
    ("init", Some(entry::<Init>()), None),
    ("train", TRAIN, None),
    ("prune", Some(entry::<Prune>()), None),
    ("shuffle", Some(entry::<Transform>()), Some("shuffle")),
    ("widen", Some(entry::<Transform>()), Some("widen")),
    ("repair", Some(entry::<Transform>()), Some("repair")),
    ("reinit", Some(entry::<Transform>()), Some("reinit")),
    ("isometry", Some(entry::<Transform>()), Some("isometry")),
    ("inspect", Some(entry::<Inspect>()), None),
    ("compare", Some(entry::<Compare>()), None),
    ("measure", MEASURE, None),
    ("recipe", TRAIN, None),
    ("examples", Some(entry::<Data>()), Some("examples")),
];

#[cfg(feature = "train")]
const TRAIN: Option<Entry> = Some(entry::<Train>());
#[cfg(feature = "train")]
const MEASURE: Option<Entry> = Some(entry::<Measure>());
#[cfg(not(feature = "train"))]
const TRAIN: Option<Entry> = None;
#[cfg(not(feature = "train"))]
const MEASURE: Option<Entry> = None;

/// Options that are the sweep's own business.
const RESERVED: [&str; 14] = [
    "output",
    "force",
    "from",
    "remember",
    "gradients",
    "sensitivity",
    "per-weight",
    "list-methods",
    "toml",
    "dry-run",
    "seeds",
    "help",
    "json",
    "threads",
];

/// All of this build.
pub(crate) fn tools() -> &'static [Tool] {
    static TOOLS: LazyLock<Vec<Tool>> = LazyLock::new(|| {
        let of = |(name, entry, sub): Line| {
            let entry = entry?;
            let clap = (entry.arguments)();
            let clap = sub.map_or(Some(&clap), |sub| clap.find_subcommand(sub))?;
            let options = clap.get_arguments().filter_map(option).collect();
            Some(Tool { name, entry, sub, options })
        };
        LINES.into_iter().filter_map(of).collect()
    });
    &TOOLS
}

/// The one of a name.
pub(crate) fn tool(name: &str) -> Option<&'static Tool> {
    tools().iter().find(|tool| tool.name == name)
}

/// Whether a plan may name it: of another build, if not of this one.
pub(crate) fn is_known(name: &str) -> bool {
    LINES.iter().any(|(known, ..)| *known == name)
}

fn option(arg: &clap::Arg) -> Option<Opt> {
    let name = arg.get_long()?.to_owned();
    let kind = match arg.get_action() {
        ArgAction::SetTrue => Kind::Flag,
        _ if arg.get_value_parser().type_id() == TypeId::of::<PathBuf>() => Kind::File,
        _ => Kind::Plain,
    };
    let default = arg.get_default_values().iter().map(|value| value.to_string_lossy());
    let default = default.collect::<Vec<_>>().join(",");
    let default = (kind != Kind::Flag && !default.is_empty()).then(|| of_text(&default));
    let heading = arg.get_help_heading().map(str::to_owned);
    (!RESERVED.contains(&&*name)).then_some(Opt { name, kind, default, heading })
}

impl Tool {
    /// The option of a name.
    pub(crate) fn option(&self, name: &str) -> Option<&Opt> {
        self.options.iter().find(|option| option.name == name)
    }

    /// Reads the words that would stand on the command line behind the command's name.
    pub(crate) fn parse(&self, words: &[OsString]) -> Result<Box<dyn Job>, clap::Error> {
        let words = self.sub.map(OsString::from).into_iter().chain(words.iter().cloned());
        let matches = (self.entry.arguments)().no_binary_name(true).try_get_matches_from(words)?;
        (self.entry.read)(&matches)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn clap_says_what_options_there_are() {
        let prune = tool("prune").unwrap();
        assert_eq!(prune.option("seed").unwrap().default, Some(json!(0)));
        assert_eq!(prune.option("weights").unwrap().kind, Kind::File);
        assert_eq!(prune.option("invert").unwrap().kind, Kind::Flag);
        assert_eq!(prune.option("density").unwrap().kind, Kind::Plain);
        assert!(prune.option("output").is_none());
        assert!(tool("widen").unwrap().option("factor").is_some());
        assert_eq!(tool("train").is_some(), cfg!(feature = "train"));
    }
}
