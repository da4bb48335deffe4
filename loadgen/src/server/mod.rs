//! Servers that a run starts itself: `--spawn`, and the descriptions that `compare` takes. Process view.

mod file;
mod spawn;
mod sys;

pub use file::ServerFile;
pub use spawn::Spawned;
