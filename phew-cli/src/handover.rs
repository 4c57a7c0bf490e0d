//! The program beside `phew` that has libtorch.
//!
//! libtorch takes half a second and hundreds of megabytes to load, which commands that need none of it should not pay.
//! So `phew` is built without it, and hands command lines that need it to `phew-torch`, the same program built with it,
//! as git starts its subcommands. That program lies beside `phew`, or where `PHEW_TORCH` says.

/// Says to the other program that it was started by this one, and by which version.
const VERSION: &str = "PHEW_HANDED_OVER";

/// The commands that only a build with libtorch has, with what each does.
#[cfg(any(test, not(feature = "train")))]
pub(crate) const COMMANDS: [(&str, &str); 2] = [
    ("train", "Train a network, dense or masked"),
    ("measure", "Measure a network on data: gradient, tangent kernel, Jacobian"),
];

#[cfg(not(feature = "train"))]
pub(crate) use here::{offer, offer_job, stubs};

/// Refuses to work for a `phew` of another version.
#[cfg(feature = "train")]
pub(crate) fn check_version() -> anyhow::Result<()> {
    match std::env::var(VERSION) {
        Ok(theirs) if theirs != env!("CARGO_PKG_VERSION") => Err(crate::failure::usage(format!(
            "phew {theirs} started phew-torch {}: install both of one version",
            env!("CARGO_PKG_VERSION")
        ))),
        _ => Ok(()),
    }
}

#[cfg(not(feature = "train"))]
mod here {
    use std::ffi::OsString;
    use std::path::PathBuf;
    use std::process::Command;

    use clap::error::ErrorKind;
    use clap::{Arg, ArgMatches};

    use super::{COMMANDS, VERSION};
    use crate::failure::{NO_TRAINING, usage};

    /// Names the program, where it does not lie beside this one.
    const PLACE: &str = "PHEW_TORCH";

    /// The commands that say more where there is libtorch.
    const RICHER: [&str; 4] = ["bench", "doctor", "completions", "man"];

    /// The commands that take more options there: what they can read here, they do here.
    const MORE_OPTIONS: [&str; 1] = ["prune"];

    /// The commands for clap: they take everything, since the other program reads it.
    pub(crate) fn stubs() -> impl Iterator<Item = clap::Command> {
        COMMANDS.into_iter().map(|(name, about)| {
            let all = Arg::new("all").num_args(0..).trailing_var_arg(true);
            let all = all.allow_hyphen_values(true).hide(true);
            clap::Command::new(name)
                .about(about)
                .disable_help_flag(true)
                .arg(all.value_parser(clap::value_parser!(OsString)))
        })
    }

    /// Gives the command line to the other program, if that is to read it. Comes back with nothing where it is not, and
    /// with an error where it should and cannot.
    pub(crate) fn offer(line: &Result<ArgMatches, clap::Error>) -> Option<anyhow::Error> {
        let name = match line {
            Ok(matches) => {
                matches.subcommand_name().filter(|name| !MORE_OPTIONS.contains(name))?.to_owned()
            }
            Err(error) => {
                let more = [ErrorKind::DisplayHelp, ErrorKind::UnknownArgument];
                let known = |name: &String| is_elsewhere(name) || is_richer(name);
                more.contains(&error.kind()).then(|| std::env::args().find(known))??
            }
        };
        match program() {
            Some(program) if is_elsewhere(&name) || is_richer(&name) => Some(start(&program)),
            None if is_elsewhere(&name) => {
                Some(usage(format!("`{name}` runs networks, and {NO_TRAINING}")))
            }
            _ => None,
        }
    }

    fn is_elsewhere(name: &str) -> bool {
        COMMANDS.iter().any(|(other, _)| *other == name)
    }

    fn is_richer(name: &str) -> bool {
        RICHER.contains(&name) || MORE_OPTIONS.contains(&name)
    }

    /// The same for a command that this build can read but not serve.
    pub(crate) fn offer_job() -> Option<anyhow::Error> {
        program().as_ref().map(start)
    }

    /// The other program, if it is there.
    fn program() -> Option<PathBuf> {
        if std::env::var_os(VERSION).is_some() {
            return None;
        }
        let beside = || {
            let name = format!("phew-torch{}", std::env::consts::EXE_SUFFIX);
            Some(std::env::current_exe().ok()?.with_file_name(name))
        };
        let place = std::env::var_os(PLACE).map(PathBuf::from).or_else(beside)?;
        place.is_file().then_some(place)
    }

    /// Gives the whole command line to the other program. Comes back only if it cannot be started.
    fn start(program: &PathBuf) -> anyhow::Error {
        // Libraries of libtorch end the program where there is none, in words of their own.
        if let Err(error) = std::env::current_dir() {
            return anyhow::Error::new(error).context("the working folder");
        }
        let mut command = Command::new(program);
        command.args(std::env::args_os().skip(1)).env(VERSION, env!("CARGO_PKG_VERSION"));
        let failed = become_it(&mut command);
        anyhow::Error::new(failed).context(format!("{}: cannot be started", program.display()))
    }

    #[cfg(unix)]
    fn become_it(command: &mut Command) -> std::io::Error {
        std::os::unix::process::CommandExt::exec(command)
    }

    #[cfg(not(unix))]
    fn become_it(command: &mut Command) -> std::io::Error {
        match command.status() {
            Ok(status) => std::process::exit(status.code().unwrap_or(1)),
            Err(error) => error,
        }
    }
}
