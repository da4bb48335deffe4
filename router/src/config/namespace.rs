//! The keys of `[namespaces.NAME]`: the policy of the rooms whose names begin with `NAME:`.

use ringway_core::settings::{Admission, KeyScope, Namespace, Overflow, PresenceMode, SenderMode};

use super::declare::section;
use super::value::{Size, Span};

section! {
    /// The policy of the rooms whose names begin with this namespace and a colon. Rooms without one are in
    /// `default`. Every namespace starts from the values below, not from those of `default`.
    NamespaceKeys {
        /// Who may join, and read history and presence: "anyone", "users" (with a token) or "granted" (by name in
        /// the token).
        hot join: Admission = Admission::Users;
        /// Who may publish: "anyone", "users" or "granted".
        hot publish: Admission = Admission::Users;
        /// Whether the reliable lane is there: in order, with history and recovery.
        hot reliable: bool = true;
        /// Whether the latest lane is there: the newest value of each key.
        hot latest: bool = true;
        /// Whether the unreliable lane is there: dropped rather than queued.
        hot unreliable: bool = true;
        /// What is told of members: "off", "count" or "list".
        hot presence: PresenceMode = PresenceMode::List;
        /// Whether member lists carry the token's info.
        hot member_info: bool = false;
        /// What a message says of its sender: "user" (and session), or "session" alone, which is smaller.
        hot sender: SenderMode = SenderMode::User;
        /// Whose keys are: each "user"'s own, or the "room"'s.
        hot key_scope: KeyScope = KeyScope::User;
        /// How long keys outlive the session that set them; "0s": they vanish when it leaves.
        hot key_ttl: Span = Span(0), in Span(0)..=Span::seconds(7 * 86_400);
        /// Publications kept in a room's history.
        hot history_count_max: u32 = 1_000, in 0..=1_000_000;
        /// Bytes of publications kept.
        hot history_bytes_max: Size = Size::mib(4), in Size(0)..=Size::mib(1_024);
        /// How long publications are kept.
        hot history_age_max: Span = Span::seconds(300), in Span(0)..=Span::seconds(7 * 86_400);
        /// What happens to a reader who falls behind: "close" (it resumes and recovers), or "drop_oldest" (it is
        /// told of the gap).
        hot overflow: Overflow = Overflow::Close;
        /// Members of one room.
        hot members_max: u32 = 100_000, in 1..=10_000_000;
        /// How long a member whose connection broke stays a member.
        hot detach: Span = Span::seconds(15), in Span(0)..=Span::seconds(3_600);
        /// Nodes that have each publication before it is acknowledged: 1, or 2 (the owner and a standby, which goes on
        /// without loss when the owner's node fails). 2 needs a cluster.
        hot replicas: u8 = 1, in 1..=2;
        /// How long an empty room keeps its history and its epoch.
        hot idle: Span = Span::seconds(60), in Span(0)..=Span::seconds(7 * 86_400);
    }
}

impl NamespaceKeys {
    /// As the core wants it.
    #[must_use]
    pub fn policy(&self) -> Namespace {
        Namespace {
            join: self.join,
            publish: self.publish,
            reliable: self.reliable,
            latest: self.latest,
            unreliable: self.unreliable,
            presence: self.presence,
            member_info: self.member_info,
            sender: self.sender,
            key_scope: self.key_scope,
            key_ttl_ms: self.key_ttl.as_ms(),
            history_count_max: self.history_count_max,
            history_bytes_max: self.history_bytes_max.0,
            history_age_ms_max: self.history_age_max.as_ms(),
            overflow: self.overflow,
            members_max: self.members_max,
            detach_ms: self.detach.as_ms(),
            replicas: self.replicas,
            idle_ms: self.idle.as_ms(),
        }
    }
}
