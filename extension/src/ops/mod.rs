//! Small services every engine and every pack uses.

mod version;
