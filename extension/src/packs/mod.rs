//! Schema packs: installed, listed, compared with what they declare, removed.

mod api;
mod install;
mod library;
mod live;
mod record;
mod same;
mod uninstall;
