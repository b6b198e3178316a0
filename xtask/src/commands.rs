//! One module a command.

pub(crate) mod bench;
pub(crate) mod corpus;
pub(crate) mod down;
pub(crate) mod generate;
pub(crate) mod package;
pub(crate) mod psql;
pub(crate) mod test;
pub(crate) mod up;
