//! What endpoint and connections have to tell each other.

use quinn_proto::{Connection, ConnectionHandle, Endpoint};

/// Lets an endpoint and one of its connections tell each other what they must; true if the connection is over and has
/// nothing more to tell: its handle may be given out again.
pub(crate) fn settle(endpoint: &mut Endpoint, handle: ConnectionHandle, connection: &mut Connection) -> bool {
    let mut drained = false;
    while let Some(event) = connection.poll_endpoint_events() {
        drained |= event.is_drained();
        if let Some(event) = endpoint.handle_event(handle, event) {
            connection.handle_event(event);
        }
    }
    drained
}
