//! Closed lists of words: one declaration gives the enum, its text, and the way back from text.
//!
//! The same words stand in files, in the store, in JSON and on the command line, so they are
//! written down once.

macro_rules! text_enum {
    ($(#[$meta:meta])* $name:ident: $what:literal {
        $($(#[$doc:meta])* $variant:ident = $text:literal,)+
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The text that files, the store and JSON use.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::Error;

            fn from_str(text: &str) -> Result<Self, $crate::Error> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err($crate::Error::unknown_text($what, text, &[$($text,)+])),
                }
            }
        }
    };
}
pub(crate) use text_enum;
