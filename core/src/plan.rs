//! Plans: a hierarchy of groups with tasks at its leaves, and dependencies between any two nodes.
//!
//! Everything here works on one fetched graph, addressed by index. Times are microseconds since
//! the Unix epoch, durations microseconds; all additions saturate.

mod bridge;
mod codes;
mod gantt;
mod graph;
mod merge;
mod ready;
mod risk;
mod schedule;

#[cfg(test)]
mod oracle;

pub use bridge::{Bridged, Outside, bridge};
pub use codes::Codes;
pub use gantt::{Bar, Gantt};
pub use graph::{Dependency, Graph, GraphError, Link};
pub use merge::{Merge, merge};
pub use ready::{State, ready};
pub use risk::at_risk;
pub use schedule::{Frame, Progress, Schedule, Task, Timing, schedule};
