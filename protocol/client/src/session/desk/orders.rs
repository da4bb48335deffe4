//! Orders, carried out as far as the connection lets.

use ringway_protocol::session::client::Stage;

use super::{Awaited, Desk};
use crate::session::order::{Order, Post};
use crate::session::{Joined, SessionError};
use crate::{NotSent, Outlet, Sent};

impl Desk {
    /// Gives the order back when it must wait.
    pub(super) fn carry_out(&mut self, outlet: &mut Outlet, order: Order) -> Option<Order> {
        match order {
            Order::Join { room, options, reply } => {
                let name = room.get()?;
                let index = outlet.join(name, options);
                match outlet.client().room(index).filter(|room| room.stage() == Stage::In) {
                    Some(room) => {
                        let position = room.position().unwrap_or_default();
                        let joined = Joined { position, recovered: true, count: 0, members: Vec::new() };
                        let _ = reply.send(Ok((index, joined)));
                    }
                    None => self.joins.entry(index).or_default().push(reply),
                }
            }
            Order::Leave { room, reply } => {
                outlet.leave(room);
                let stage = outlet.client().room(room).map(|room| room.stage());
                if stage == Some(Stage::Leaving) {
                    self.leaves.entry(room).or_default().push(reply);
                } else {
                    let _ = reply.send(Ok(()));
                    // Nobody joins any more.
                    let joining = self.joins.remove(&room).unwrap_or_default();
                    joining.into_iter().for_each(|reply| drop(reply.send(Err(SessionError::NotJoined))));
                }
            }
            Order::Publish(post) => return self.post(outlet, post).map(Order::Publish),
            Order::History { room, from, limit, reply } => match outlet.history(room, from, limit) {
                Ok(id) => drop(self.awaited.insert(id, Awaited::History(room, reply))),
                Err(reason) if must_wait(outlet, reason) => {
                    return Some(Order::History { room, from, limit, reply });
                }
                Err(_) => drop(reply.send(Err(SessionError::NotJoined))),
            },
            Order::Presence { room, cursor, reply } => match outlet.presence(room, cursor) {
                Ok(id) => drop(self.awaited.insert(id, Awaited::Presence(reply))),
                Err(reason) if must_wait(outlet, reason) => {
                    return Some(Order::Presence { room, cursor, reply });
                }
                Err(_) => drop(reply.send(Err(SessionError::NotJoined))),
            },
            Order::Refresh(token) => outlet.refresh(&token),
            Order::Flush(reply) => match outlet.ping() {
                Some(id) => drop(self.awaited.insert(id, Awaited::Flush(reply))),
                None => drop(reply.send(Err(SessionError::Interrupted))),
            },
            Order::Break => outlet.disconnect(),
        }
        None
    }

    fn post(&mut self, outlet: &mut Outlet, mut post: Post) -> Option<Post> {
        let room = post.room.get()?;
        let answer = post.reply.is_some();
        let sent = outlet.publish(&post.publish.publication(room, answer, post.retry));
        match sent {
            Ok(Sent::Stream(Some(id))) => {
                if post.publish.msg_id.is_some() && post.retry.is_none() {
                    let client = outlet.client();
                    let room = client.room_index(room.as_str()).and_then(|room| client.room(room));
                    post.retry = room.and_then(|room| room.position());
                }
                self.awaited.insert(id, Awaited::Published(post));
            }
            Ok(_) => {}
            Err(NotSent::NotReady | NotSent::Full) => return Some(post),
            Err(NotSent::TooLarge) => {
                if let Some(reply) = post.reply {
                    let _ = reply.send(Err(SessionError::TooLarge));
                }
            }
        }
        None
    }
}

/// Whether a question that was not sent can be, later.
fn must_wait(outlet: &Outlet, reason: NotSent) -> bool {
    reason == NotSent::Full || !outlet.is_ready()
}
