//! Every fault a client may see: a number, a name, and whether trying again helps. `docs/protocol.md` prints these tables.

/// What a client can do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same request will fail again.
    Never,
    /// The same request may succeed after `retry_after_ms` (or a second).
    After,
    /// Open a new connection.
    Reconnect,
    /// Join the room again.
    Rejoin,
}

impl Retry {
    /// The wire's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::After => "after",
            Self::Reconnect => "reconnect",
            Self::Rejoin => "rejoin",
        }
    }
}

macro_rules! codes {
    ($(#[$doc:meta])* $type:ident { $($variant:ident = $number:literal, $name:literal, $retry:ident, $text:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum $type {
            $(#[doc = $text] $variant = $number,)*
        }

        impl $type {
            /// All, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The number on the wire.
            #[must_use]
            pub const fn number(self) -> u16 {
                self as u16
            }

            /// From the number on the wire.
            #[must_use]
            pub const fn from_number(number: u16) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The name on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Whether trying again helps.
            #[must_use]
            pub const fn retry(self) -> Retry {
                match self {
                    $(Self::$variant => Retry::$retry,)*
                }
            }

            /// One sentence for people.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }
    };
}

codes! {
    /// Errors: 100–199 protocol, 200–299 identity, 300–399 access, 400–499 room and publish, 500–599 limits,
    /// 600–699 server and cluster.
    ErrorCode {
        BadFrame = 100, "bad_frame", Never, "The frame is not a valid frame of the connection's format.";
        UnknownType = 101, "unknown_type", Never, "The server does not know this type of frame.";
        BadField = 102, "bad_field", Never, "A field is missing, out of range or of the wrong type.";
        WrongState = 103, "wrong_state", Never, "The request is not allowed now: hello comes first, and once.";
        UnsupportedProtocol = 104, "unsupported_protocol", Never, "The server does not speak this protocol version.";
        IdRequired = 105, "id_required", Never, "This request must carry an id.";
        WrongFormat = 106, "wrong_format", Never, "Binary and text messages can't be mixed on one connection.";

        TokenRequired = 200, "token_required", Never, "This server has no anonymous users: hello needs a token.";
        TokenInvalid = 201, "token_invalid", Never, "The token is malformed or its signature does not verify.";
        TokenExpired = 202, "token_expired", Reconnect, "The token has ended: get a new one.";
        TokenUser = 203, "token_user", Never, "The new token is of another user.";
        ResumeInvalid = 204, "resume_invalid", Reconnect, "The resume secret is not valid: start a new session; positions stay valid.";
        ResumeExpired = 205, "resume_expired", Reconnect, "The resume secret has ended: start a new session; positions stay valid.";
        ResumeStale = 206, "resume_stale", Reconnect, "A newer connection re-made this session: start a new one; positions stay valid.";

        JoinDenied = 300, "join_denied", Never, "The namespace or the token does not let you join this room.";
        PublishDenied = 301, "publish_denied", Never, "The namespace or the token does not let you publish in this room.";
        HistoryDenied = 302, "history_denied", Never, "Only those who may join a room may read its history.";
        PresenceDenied = 303, "presence_denied", Never, "The namespace does not show who is in the room.";

        BadRoomName = 400, "bad_room_name", Never, "A room name is 1 to 128 bytes of UTF-8 without control characters.";
        UnknownNamespace = 401, "unknown_namespace", Never, "No namespace of this name is configured.";
        HandleTaken = 402, "handle_taken", Never, "Another room has this room's handle: choose another name.";
        NotJoined = 403, "not_joined", Rejoin, "The session is not a member of this room.";
        AlreadyJoined = 404, "already_joined", Never, "The session is a member of this room already.";
        BadBody = 405, "bad_body", Never, "The body is not what its kind says: JSON must be one value at most 32 deep, text must be UTF-8.";
        BadKey = 406, "bad_key", Never, "A key is at most 64 bytes and belongs to the latest and unreliable lanes.";
        BadMsgId = 407, "bad_msg_id", Never, "A msg_id is 1 to 32 bytes and belongs to the reliable lane.";
        LaneDisabled = 408, "lane_disabled", Never, "The namespace does not have this lane.";
        OutcomeUnknown = 409, "outcome_unknown", Never, "It can't be known any more whether the publish happened: check the history.";
        BodyRequired = 410, "body_required", Never, "Only the latest lane takes a publish without a body.";

        FrameTooLarge = 500, "frame_too_large", Never, "The frame is larger than the server takes.";
        RateLimited = 501, "rate_limited", After, "Too much work asked for: slow down.";
        TooManyRooms = 502, "too_many_rooms", Never, "The session is in as many rooms as it may be.";
        RoomFull = 503, "room_full", After, "The room has as many members as it may have.";
        TooManyKeys = 504, "too_many_keys", Never, "The room has as many keys as it may have.";
        TooManyRequests = 505, "too_many_requests", After, "Too many requests are waiting for an answer.";
        ShardFull = 506, "shard_full", After, "The server holds as many rooms or sessions as it may.";

        Internal = 600, "internal", After, "The server failed; it is not your fault.";
        Unavailable = 601, "unavailable", After, "The room can't be served right now.";
        Draining = 602, "draining", Reconnect, "The server is about to stop: connect again.";
    }
}

codes! {
    /// Why a connection ends: the same numbers on WebSocket and QUIC. 3000–3499 reconnect and resume, 3500–3999 do
    /// not reconnect by yourself, 4000–4499 are the operator's.
    CloseCode {
        Draining = 3000, "draining", Reconnect, "The server stops; others take over.";
        SlowConsumer = 3001, "slow_consumer", Reconnect, "Too much waited for this connection: recover by resuming.";
        HeartbeatTimeout = 3002, "heartbeat_timeout", Reconnect, "Nothing was heard for two heartbeats.";
        HandshakeTimeout = 3003, "handshake_timeout", Reconnect, "No valid hello in time.";
        TokenExpired = 3004, "token_expired", Reconnect, "The token ended without a refresh.";
        Overloaded = 3005, "overloaded", Reconnect, "The server holds as many connections as it may.";
        Internal = 3006, "internal", Reconnect, "The server failed.";
        MemoryPressure = 3007, "memory_pressure", Reconnect, "The server was short of memory and this connection held most.";
        Unreachable = 3008, "unreachable", Reconnect, "This node does not reach a room's owner; another one may.";

        ProtocolError = 3500, "protocol_error", Never, "The peer broke the protocol.";
        Unauthorized = 3501, "unauthorized", Never, "The token was refused.";
        TakenOver = 3502, "taken_over", Never, "A newer connection re-made this session.";
        UnsupportedProtocol = 3503, "unsupported_protocol", Never, "No common protocol version.";
        FrameTooLarge = 3504, "frame_too_large", Never, "A frame was larger than the server takes.";
        Flooding = 3505, "flooding", Never, "The client kept on after rate_limited.";
        Disconnected = 4000, "disconnected", Never, "The operator ended the connection.";
    }
}

impl CloseCode {
    /// Whether a client should open a new connection and resume.
    #[must_use]
    pub const fn reconnects(self) -> bool {
        self.number() < 3500
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_numbers_rise_and_names_are_unique() {
        for pair in ErrorCode::ALL.windows(2) {
            assert!(pair[0].number() < pair[1].number());
        }
        let mut names: Vec<_> = ErrorCode::ALL.iter().map(|code| code.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ErrorCode::ALL.len());
    }

    #[test]
    fn a_close_code_s_range_says_whether_to_come_back() {
        for code in CloseCode::ALL {
            assert_eq!(code.retry() == Retry::Reconnect, code.reconnects(), "{code:?}");
        }
    }

    #[test]
    fn numbers_round_trip() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_number(code.number()), Some(*code));
        }
        assert_eq!(CloseCode::from_number(1000), None);
    }
}
