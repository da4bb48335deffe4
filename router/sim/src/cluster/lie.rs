//! Lies told in the world on purpose: each must be found out. A checker that can't fail proves nothing.

/// What the world does wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Lie {
    /// Nothing.
    #[default]
    None,
    /// Owners commit alone what should be on two nodes first.
    AckAlone,
    /// Now and then an answer is lost on a link that is up.
    DropReply,
    /// Now and then a publication is lost on a link that is up.
    DropPublication,
    /// Now and then a request arrives twice.
    Twice,
    /// Owners are told that their lease never ends.
    EndlessLease,
    /// Edges take whatever is said as said under the term that they know.
    NoTerms,
    /// Registrations with other nodes' owners are lost.
    NoRegistration,
    /// Heirs are told to begin anew.
    Forgetful,
}
