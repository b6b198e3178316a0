//! Whether two expressions mean the same, as PostgreSQL itself understands them.
//!
//! The catalogue prints expressions in its own words (`IN` as `= ANY (ARRAY[...])`, with casts),
//! and prints them differently again after a dump and restore. So both texts go through the
//! server's parser, analysis and constant folding, and the resulting trees are compared.

use std::ffi::{CStr, CString, c_void};
use std::ptr;

use canon_core::schema::{ExprContext, QName};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::{PgRelation, PgTryBuilder};

use crate::user::ActingAs;

/// Compares two expressions in their context.
pub(super) fn same(context: ExprContext<'_>, declared: &str, found: &str) -> bool {
    match context {
        ExprContext::Condition(table) => in_table(table, declared, found, Shape::Condition),
        ExprContext::Trigger(table) => in_table(table, declared, found, Shape::TriggerCondition),
        ExprContext::Value(table) => in_table(table, declared, found, Shape::Value),
        ExprContext::Generated(table, ty) => in_table(table, declared, found, Shape::Assigned(&c_string(ty))),
        ExprContext::Default(ty) => equal(declared, found, None, &Shape::Assigned(&c_string(ty))),
        // Nothing to analyse them against: texts that differ in blanks only are the same.
        ExprContext::Domain(_) | ExprContext::Query => declared.split_whitespace().eq(found.split_whitespace()),
    }
}

/// What becomes of an expression after it is computed, and which rows it sees.
enum Shape<'a> {
    /// A boolean over the columns.
    Condition,
    /// A boolean over OLD and NEW.
    TriggerCondition,
    /// Itself.
    Value,
    /// Cast to a type as in an assignment.
    Assigned(&'a CStr),
}

/// Type names hold no zero byte; one that did would be unknown to the server.
fn c_string(text: &str) -> CString {
    CString::new(text).unwrap_or_default()
}

fn in_table(table: &QName, declared: &str, found: &str, shape: Shape<'_>) -> bool {
    let Some(relation) = open(table) else { return false };
    // SAFETY: the relation is open.
    let owner = unsafe { (*(*relation.as_ptr()).rd_rel).relowner };
    // Folding constants may call immutable functions, and whoever owns the table may have put one
    // of theirs into it: it runs with the owner's rights, not with the caller's.
    let _acting = ActingAs::owner_of_expressions(owner);
    equal(declared, found, Some(&relation), &shape)
}

/// Opens a table by the names in the catalogue. A lookup through the parser would ask for
/// privileges that comparing definitions does not need.
fn open(table: &QName) -> Option<PgRelation> {
    let (schema, name) = (c_string(&table.schema), c_string(&table.name));
    // SAFETY: both lookups take names and give InvalidOid where there is none.
    let oid = unsafe {
        let namespace = pg_sys::get_namespace_oid(schema.as_ptr(), true);
        pg_sys::get_relname_relid(name.as_ptr(), namespace)
    };
    // SAFETY: the lock keeps the table from being dropped; with_lock fails if it is gone already.
    (oid != pg_sys::InvalidOid).then(|| unsafe { PgRelation::with_lock(oid, pg_sys::AccessShareLock as i32) })
}

fn equal(a: &str, b: &str, relation: Option<&PgRelation>, shape: &Shape<'_>) -> bool {
    let (Ok(a), Ok(b)) = (select(a), select(b)) else { return false };
    // A text that does not parse or analyse is not the same as one that does. Analysis allocates
    // and looks things up; the relation was opened outside.
    PgTryBuilder::new(|| {
        // SAFETY: both strings are SELECT statements of one expression; the relation is open.
        unsafe {
            let left = analyse(&a, relation, shape);
            let right = analyse(&b, relation, shape);
            !left.is_null() && pg_sys::equal(left.cast::<c_void>(), right.cast::<c_void>())
        }
    })
    .catch_others(|error| match error {
        CaughtError::PostgresError(_) => false,
        other => other.rethrow(),
    })
    .execute()
}

fn select(expression: &str) -> Result<CString, std::ffi::NulError> {
    CString::new(format!("SELECT {expression}"))
}

/// Parses `SELECT expression`, analyses the expression, and folds its constants.
///
/// # Safety
/// `sql` must be one SELECT of one expression.
unsafe fn analyse(sql: &CStr, relation: Option<&PgRelation>, shape: &Shape<'_>) -> *mut pg_sys::Node {
    // SAFETY: the calls follow the server's own CREATE TABLE and CREATE TRIGGER; every pointer
    // comes from the call before.
    unsafe {
        let raw = pg_sys::raw_parser(sql.as_ptr(), pg_sys::RawParseMode::RAW_PARSE_DEFAULT);
        if pg_sys::list_length(raw) != 1 {
            return ptr::null_mut();
        }
        let statement = (*pg_sys::list_nth(raw, 0).cast::<pg_sys::RawStmt>()).stmt.cast::<pg_sys::SelectStmt>();
        if pg_sys::list_length((*statement).targetList) != 1 {
            return ptr::null_mut();
        }
        let target = pg_sys::list_nth((*statement).targetList, 0).cast::<pg_sys::ResTarget>();

        let state = pg_sys::make_parsestate(ptr::null_mut());
        (*state).p_sourcetext = sql.as_ptr();
        let kind = match (relation, shape) {
            (None, _) => pg_sys::ParseExprKind::EXPR_KIND_COLUMN_DEFAULT,
            (Some(relation), Shape::TriggerCondition) => {
                add_rows(state, relation, Some(c"old"));
                add_rows(state, relation, Some(c"new"));
                pg_sys::ParseExprKind::EXPR_KIND_TRIGGER_WHEN
            }
            (Some(relation), _) => {
                add_rows(state, relation, None);
                pg_sys::ParseExprKind::EXPR_KIND_CHECK_CONSTRAINT
            }
        };
        let mut node = pg_sys::transformExpr(state, (*target).val, kind);
        match shape {
            Shape::Condition | Shape::TriggerCondition => {
                node = pg_sys::coerce_to_boolean(state, node, c"WHERE".as_ptr());
            }
            Shape::Assigned(ty) => node = coerce(state, node, ty),
            Shape::Value => {}
        }
        pg_sys::assign_expr_collations(state, node);
        pg_sys::eval_const_expressions(ptr::null_mut(), node)
    }
}

/// Lets an expression see the columns of a table, under an alias or by their bare names.
///
/// # Safety
/// `state` must be a parse state in the making.
unsafe fn add_rows(state: *mut pg_sys::ParseState, relation: &PgRelation, alias: Option<&CStr>) {
    // SAFETY: the relation is open with this lock.
    unsafe {
        let lock = pg_sys::AccessShareLock as i32;
        let alias_node = alias.map_or(ptr::null_mut(), |name| pg_sys::makeAlias(name.as_ptr(), ptr::null_mut()));
        let item =
            pg_sys::addRangeTableEntryForRelation(state, relation.as_ptr(), lock, alias_node, false, alias.is_none());
        pg_sys::addNSItemToQuery(state, item, alias.is_none(), true, true);
    }
}

/// Assignment to a column of type `ty`.
///
/// # Safety
/// `state` and `node` must come from the same analysis.
unsafe fn coerce(state: *mut pg_sys::ParseState, node: *mut pg_sys::Node, ty: &CStr) -> *mut pg_sys::Node {
    let (mut oid, mut modifier) = (pg_sys::InvalidOid, -1);
    // SAFETY: parseTypeString fills both; a type it does not know raises an error.
    unsafe {
        #[cfg(feature = "pg15")]
        pg_sys::parseTypeString(ty.as_ptr(), &mut oid, &mut modifier, false);
        #[cfg(not(feature = "pg15"))]
        pg_sys::parseTypeString(ty.as_ptr(), &mut oid, &mut modifier, ptr::null_mut());
        pg_sys::coerce_to_target_type(
            state,
            node,
            pg_sys::exprType(node),
            oid,
            modifier,
            pg_sys::CoercionContext::COERCION_ASSIGNMENT,
            pg_sys::CoercionForm::COERCE_IMPLICIT_CAST,
            -1,
        )
    }
}
