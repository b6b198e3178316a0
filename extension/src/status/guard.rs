//! `canon.status_guard` and `canon.status_unguard`.

use pgrx::PgSqlErrorCode as Code;
use pgrx::prelude::*;
use pgrx::spi::{quote_identifier as ident, quote_qualified_identifier};

use super::check;
use super::error::{Error, Result};
use super::functions;
use super::history;
use super::load::{self, Guard, literal, oid_of};
use super::setup::{self, Setup};
use crate::cache::{Sources, read};
use crate::guc::Pinned;

/// What a table must be to be guarded, and its name.
pub(super) struct Target {
    pub(super) relation: pg_sys::Oid,
    schema: String,
    /// Quoted and qualified.
    pub(super) table: String,
}

impl Target {
    /// Finds the table and refuses what cannot be guarded.
    pub(super) fn find(relation: pg_sys::Oid) -> Result<Self> {
        let rows = read(
            "SELECT n.nspname, c.relname, c.relkind FROM pg_catalog.pg_class c
             JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
             WHERE c.oid OPERATOR(pg_catalog.=) $1::pg_catalog.oid",
            &[&relation.to_u32().to_string()],
        )?;
        let [Some(schema), Some(name), Some(kind)] = rows.first().map_or(&[][..], Vec::as_slice) else {
            return Err(Error::new(
                Code::ERRCODE_UNDEFINED_TABLE,
                format!("relation {} does not exist", relation.to_u32()),
            ));
        };
        let table = quote_qualified_identifier(schema, name);
        if kind != "r" {
            let what = match kind.as_str() {
                "p" => "partitioned tables are not supported: rows that move between partitions look like new ones",
                _ => "only ordinary tables have a status to guard",
            };
            return Err(Error::new(Code::ERRCODE_WRONG_OBJECT_TYPE, format!("{table} cannot be guarded")).detail(what));
        }
        Ok(Self { relation, schema: schema.clone(), table })
    }

    /// Refuses whom the table does not belong to.
    pub(super) fn require_owner(&self) -> Result<()> {
        // SAFETY: looks up the owner of an existing relation.
        let owns = unsafe {
            #[cfg(feature = "pg15")]
            let owns = pg_sys::pg_class_ownercheck(self.relation, pg_sys::GetUserId());
            #[cfg(not(feature = "pg15"))]
            let owns = pg_sys::object_ownercheck(pg_sys::RelationRelationId, self.relation, pg_sys::GetUserId());
            owns
        };
        if owns {
            return Ok(());
        }
        Err(Error::new(Code::ERRCODE_INSUFFICIENT_PRIVILEGE, format!("must be owner of table {}", self.table)))
    }
}

/// Guards a column. Says whether it was guarded before.
pub(super) fn guard(relation: pg_sys::Oid, mut setup: Setup, keep_history: bool) -> Result<&'static str> {
    let target = Target::find(relation)?;
    target.require_owner()?;
    let _pinned = Pinned::plain();
    run(&format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", target.table))?;
    if keep_history && setup.history.is_none() {
        setup.history = Some(quote_qualified_identifier(target.schema.as_str(), "status_history"));
    }
    let before = setup::of_table(relation)?.into_iter().find(|(other, _)| other.column == setup.column);
    if before.as_ref().is_some_and(|(other, _)| *other == setup) {
        return Ok("already guarded");
    }
    if let Some(history) = &setup.history
        && oid_of(history)?.is_none()
    {
        run(&history::ddl(history)?)?;
    }
    let text = setup.text()?;
    let guard = load::load(relation, &text, &mut Sources::default())?;
    require_functions(&guard)?;
    if setup.history.is_some() && guard.key.is_empty() {
        return Err(Error::new(
            Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("table {} has no primary key, by which its history would name the rows", target.table),
        )
        .hint(format!(
            "SELECT canon.status_guard({}, {}, {}, history => false);",
            literal(&target.table),
            literal(&setup.column),
            literal(&setup.machine)
        )));
    }
    check::require_valid(&target, &guard)?;
    if before.is_some() {
        drop_triggers(&target, &setup.column)?;
    }
    create_triggers(&target, &setup, &text)?;
    if setup.label_column.is_some() {
        watch_labels(&target, &guard)?;
    }
    Ok(if before.is_some() { "guarded anew" } else { "guarded" })
}

/// Takes the triggers of a column, or of all, away. The history stays.
pub(super) fn unguard(relation: pg_sys::Oid, column: Option<&str>) -> Result<Vec<String>> {
    let target = Target::find(relation)?;
    target.require_owner()?;
    let _pinned = Pinned::plain();
    let columns: Vec<String> = match column {
        Some(column) => vec![setup::of_column(relation, &target.table, Some(column))?.0.column],
        None => setup::of_table(relation)?.into_iter().map(|(setup, _)| setup.column).collect(),
    };
    for column in &columns {
        drop_triggers(&target, column)?;
    }
    Ok(columns)
}

/// Every guard function exists for the table, and the user may call it: triggers do not ask again.
pub(super) fn require_functions(guard: &Guard) -> Result<()> {
    for name in guard.governing().machine.machine().transitions.iter().flat_map(|t| &t.guards) {
        let oid = functions::find(name, guard.row_type, &guard.table)?;
        let allowed = Spi::connect(|client| {
            let sql = "SELECT pg_catalog.has_function_privilege($1, 'EXECUTE')";
            client.select(sql, Some(1), &[oid.into()])?.first().get_one::<bool>()
        })?;
        if allowed != Some(true) {
            return Err(Error::new(
                Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
                format!("permission denied for guard function {name}({})", guard.table),
            ));
        }
    }
    Ok(())
}

fn create_triggers(target: &Target, setup: &Setup, text: &str) -> Result<()> {
    let Target { table, .. } = target;
    let (column, argument) = (ident(&setup.column), literal(text));
    let name = |part: &str| ident(trigger_name(&setup.column, part));
    let changed = format!("WHEN (OLD.{column} IS DISTINCT FROM NEW.{column})");
    // The name is late in the alphabet, so that what other triggers write is checked too.
    let mut sql = vec![format!(
        "CREATE TRIGGER {} BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION canon.status_enforce({argument})",
        name("")
    )];
    if setup.deferred {
        sql.push(format!(
            "CREATE CONSTRAINT TRIGGER {} AFTER UPDATE ON {table} DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW {changed} EXECUTE FUNCTION canon.status_settle({argument})",
            name("_settle")
        ));
    }
    if setup.history.is_some() {
        sql.push(format!(
            "CREATE TRIGGER {} AFTER INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION canon.status_record({argument})",
            name("_insert")
        ));
        sql.push(format!(
            "CREATE TRIGGER {} AFTER UPDATE ON {table} FOR EACH ROW {changed} EXECUTE FUNCTION canon.status_record({argument})",
            name("_update")
        ));
        sql.push(format!(
            "CREATE TRIGGER {} AFTER INSERT OR UPDATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION canon.status_record({argument})",
            name("_write")
        ));
    }
    sql.iter().try_for_each(|sql| run(sql))
}

/// Within the length of a name, and different for different columns.
fn trigger_name(column: &str, part: &str) -> String {
    const ROOM: usize = 36;
    if column.len() <= ROOM {
        return format!("zz_status_{column}{part}");
    }
    let end = (0..=ROOM).rev().find(|end| column.is_char_boundary(*end)).unwrap_or(0);
    let digest = column.bytes().fold(0_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
    format!("zz_status_{}_{digest:08x}{part}", &column[..end])
}

fn drop_triggers(target: &Target, column: &str) -> Result<()> {
    let rows = read(
        "SELECT pg_catalog.quote_ident(t.tgname),
                pg_catalog.convert_from(pg_catalog.substring(t.tgargs, 1, pg_catalog.length(t.tgargs) OPERATOR(pg_catalog.-) 1),
                                        pg_catalog.getdatabaseencoding())
         FROM pg_catalog.pg_trigger t
         WHERE t.tgrelid OPERATOR(pg_catalog.=) $1::pg_catalog.oid AND t.tgnargs OPERATOR(pg_catalog.=) 1
           AND t.tgfoid OPERATOR(pg_catalog.=) ANY (ARRAY['canon.status_enforce()'::pg_catalog.regprocedure::pg_catalog.oid,
               'canon.status_settle()'::pg_catalog.regprocedure::pg_catalog.oid, 'canon.status_record()'::pg_catalog.regprocedure::pg_catalog.oid])",
        &[&target.relation.to_u32().to_string()],
    )?;
    for row in rows {
        let [Some(trigger), Some(text)] = row.as_slice() else { continue };
        if Setup::parse(text)?.column == column {
            run(&format!("DROP TRIGGER {trigger} ON {}", target.table))?;
        }
    }
    Ok(())
}

/// Lets every session hear of changes in the table that has the names of the states.
fn watch_labels(target: &Target, guard: &Guard) -> Result<()> {
    let rows = read(
        "SELECT pg_catalog.format('%I.%I', n.nspname, r.relname)
         FROM pg_catalog.pg_constraint c
         JOIN pg_catalog.pg_class r ON r.oid OPERATOR(pg_catalog.=) c.confrelid
         JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) r.relnamespace
         WHERE c.contype OPERATOR(pg_catalog.=) 'f' AND c.conrelid OPERATOR(pg_catalog.=) $1::pg_catalog.oid
           AND $2::pg_catalog.int2 OPERATOR(pg_catalog.=) ANY (c.conkey)
           AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid OPERATOR(pg_catalog.=) r.oid
               AND t.tgfoid OPERATOR(pg_catalog.=) 'canon.configuration_changed()'::pg_catalog.regprocedure)",
        &[&target.relation.to_u32().to_string(), &guard.column.number.to_string()],
    )?;
    for table in rows.into_iter().flatten().flatten() {
        run(&format!(
            "CREATE TRIGGER configuration_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}
             FOR EACH STATEMENT EXECUTE FUNCTION canon.configuration_changed()"
        ))?;
    }
    Ok(())
}

/// Runs statements as the caller.
pub(super) fn run(sql: &str) -> Result<()> {
    Ok(Spi::connect_mut(|client| client.update(sql, None, &[]).map(|_| ()))?)
}
