//! Small services every engine and every pack uses.

mod json;
mod touch;
mod version;
