//! Status machines: a plain `UPDATE` cannot break a lifecycle.
//!
//! `canon.status_machine` holds definitions. A guarded column carries the triggers of [`trigger`],
//! whose argument ([`setup::Setup`]) says which machine governs it: a dump, a rename of the table
//! or a `DROP TABLE` takes everything along, and no second list can disagree. What a trigger needs
//! to know is read once and kept ([`load`]) until the definition or the table changes.

mod api;
mod attempt;
mod check;
mod define;
mod error;
mod explain;
mod fire;
mod functions;
mod guard;
mod history;
mod load;
mod migrate;
mod refusal;
mod report;
mod row;
mod setting;
mod setup;
mod trigger;
mod values;

pub(crate) use refusal::TASK;
pub(crate) use setting::init;

pgrx::extension_sql_file!("tables.sql", name = "status_tables", requires = ["bootstrap"]);
pgrx::extension_sql_file!("functions.sql", name = "status_functions", requires = ["status_tables"]);
