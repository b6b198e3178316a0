//! Generated types, and what reads and writes rows through them.
#![deny(warnings)]

#[rustfmt::skip]
mod db;
mod driver;
mod protocol;

#[allow(unused_imports, reason = "there are schemas without tables")]
use db::{FromRow, Insert, Relation, Table};
use driver::{Subject, tables, views};

fn main() {
    let mut subjects: Vec<Subject> = db::for_each_table!(tables, crate::db);
    subjects.extend::<Vec<Subject>>(db::for_each_view!(views, crate::db));
    driver::run(subjects);
}
