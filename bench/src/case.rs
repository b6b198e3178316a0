use std::fmt;
use std::time::Duration;

use anyhow::Result;
use xtask::Server;

use crate::Unit;

/// A named benchmark.
#[derive(Clone, Copy, Debug)]
pub struct Benchmark {
    /// What `cargo xtask bench NAME` says, and the stem of the file of results.
    pub name: &'static str,
    /// One line for the list of benchmarks.
    pub about: &'static str,
    /// Prepares the cases: creates databases, loads data, opens nothing that a round needs fresh.
    pub cases: fn(&Server) -> Result<Vec<Case>>,
}

/// What a contender is told about the round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// Concurrent clients.
    pub clients: usize,
    /// How long to go on, where the length is free.
    pub duration: Duration,
}

/// Runs one round and returns the measured value in the unit of the case.
pub type Contender = Box<dyn FnMut(Round) -> Result<f64>>;

/// One comparison: the same work done by us and by others.
pub struct Case {
    /// Name within the benchmark.
    pub name: String,
    /// Concurrent clients.
    pub clients: usize,
    /// What every contender of it returns.
    pub unit: Unit,
    pub(crate) ours: Contender,
    pub(crate) peers: Vec<(String, Contender)>,
    /// Dropped with the case: databases and other things that its contenders work on.
    _keep: Vec<Box<dyn std::any::Any>>,
}

impl Case {
    /// A case without peers.
    pub fn new(
        name: impl Into<String>,
        clients: usize,
        unit: Unit,
        ours: impl FnMut(Round) -> Result<f64> + 'static,
    ) -> Self {
        Self { name: name.into(), clients, unit, ours: Box::new(ours), peers: Vec::new(), _keep: Vec::new() }
    }

    /// Adds a peer.
    #[must_use]
    pub fn against(mut self, peer: impl Into<String>, run: impl FnMut(Round) -> Result<f64> + 'static) -> Self {
        self.peers.push((peer.into(), Box::new(run)));
        self
    }

    /// Keeps `value`, such as an `Rc` of the database, until the case is done.
    #[must_use]
    pub fn keeping(mut self, value: impl std::any::Any) -> Self {
        self._keep.push(Box::new(value));
        self
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let peers: Vec<&str> = self.peers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Case")
            .field("name", &self.name)
            .field("clients", &self.clients)
            .field("unit", &self.unit)
            .field("peers", &peers)
            .finish_non_exhaustive()
    }
}
