//! What a database schema *is*: plain, ordered, serialisable data, and the comparison of two.
//!
//! The same [`Model`] is filled from three sources: DDL text (the code generator), a live
//! catalogue read through a client connection (the code generator's drift check), and the live
//! catalogue read inside the server (`canon.validate`). The last two run one and the same query,
//! `sql/catalog.sql`, whose JSON answer is this module's JSON.

mod constraint;
mod diff;
mod grant;
mod index;
mod model;
mod name;
mod routine;
mod scope;
mod table;
mod trigger;
mod types;

pub use constraint::{Action, Constraint, ConstraintKind, Match, References};
pub use diff::{
    Aspect, Change, Difference, DifferingQuery, ExprContext, Judge, ObjectKind, Place, SameExpr, diff, diff_by,
};
pub use grant::Grant;
pub use index::{Index, IndexKey};
pub use model::{Extension, Model, Opaque, Schema, Sequence};
pub(crate) use name::is_default;
pub use name::{ColumnRef, Origin, QName, quote_ident};
pub use routine::{Argument, Function, FunctionKind};
pub use table::{Column, Generated, GeneratedKind, Identity, PartitionOf, Table, TableKind};
pub use trigger::{Policy, Trigger, TriggerEnabled};
pub use types::{Composite, Domain, EnumType, RangeType, View};
