//! Options that are a choice among a few: their names, their help, and what parses and prints them.

/// An option that is one of a few named values.
///
/// Implemented by [`choice!`](crate::choice), together with `FromStr` and `Display`, which use the same names.
pub trait Choice: Copy + 'static {
    /// What is chosen, as messages say it.
    const WHAT: &'static str;

    /// All values, in the order in which help lists them.
    const ALL: &'static [Self];

    /// The value's name on command lines and in files.
    fn name(self) -> &'static str;

    /// The value's meaning in one line.
    fn summary(self) -> &'static str;
}

/// Gives an enum without fields its [`Choice`](trait@crate::Choice), `FromStr` and `Display`.
///
/// Every variant has a name and a summary; one that is left out does not compile.
///
/// ```
/// use phew_graph::Choice;
///
/// /// Which way.
/// #[derive(Clone, Copy, Debug, PartialEq)]
/// enum Way {
///     There,
///     Back,
/// }
/// phew_graph::choice! {
///     Way, "way":
///     There => "there", "From the inputs on",
///     Back => "back", "From the outputs back",
/// }
/// assert_eq!("back".parse::<Way>().unwrap(), Way::Back);
/// assert_eq!(Way::There.to_string(), "there");
/// assert_eq!("up".parse::<Way>().unwrap_err().to_string(), "way is `up`, expected there or back");
/// ```
#[macro_export]
macro_rules! choice {
    ($type:ty, $what:literal: $($variant:ident => $name:literal, $summary:literal),+ $(,)?) => {
        impl $crate::Choice for $type {
            const WHAT: &'static str = $what;
            const ALL: &'static [Self] = &[$(Self::$variant),+];

            fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }

            fn summary(self) -> &'static str {
                match self {
                    $(Self::$variant => $summary),+
                }
            }
        }

        impl ::std::fmt::Display for $type {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad($crate::Choice::name(*self))
            }
        }

        impl ::std::str::FromStr for $type {
            type Err = $crate::GraphError;

            fn from_str(text: &str) -> ::std::result::Result<Self, Self::Err> {
                match text {
                    $($name => ::std::result::Result::Ok(Self::$variant),)+
                    _ => ::std::result::Result::Err($crate::GraphError::Parameter {
                        name: $what,
                        found: ::std::format!("`{text}`"),
                        expected: $crate::choice!(@list $($name),+),
                    }),
                }
            }
        }
    };
    (@list $only:literal) => { $only };
    (@list $first:literal, $last:literal) => { ::std::concat!($first, " or ", $last) };
    (@list $first:literal, $($rest:literal),+) => {
        ::std::concat!($first, ", ", $crate::choice!(@list $($rest),+))
    };
}
