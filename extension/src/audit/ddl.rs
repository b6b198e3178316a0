//! Changes of the definition of recorded tables.

use std::ffi::CStr;

use canon_core::ledger::entry::Operation;
use canon_core::ledger::value::{Class, push_field};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi::SpiClient;

use super::config::Mode;
use super::record::{Event, record};
use super::{enable, identity, ledger};
use crate::error::{Error, Result};
use crate::guc::Pinned;

/// Event trigger function for `ddl_command_end` and `sql_drop`.
#[pg_extern(sql = "
CREATE FUNCTION canon.audit_ddl() RETURNS event_trigger
LANGUAGE c AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
pub(super) fn audit_ddl(fcinfo: pg_sys::FunctionCallInfo) -> std::result::Result<(), ErrorReport> {
    // SAFETY: the server passes the event as the context of the call; anybody else passes none.
    let event = unsafe {
        let context = (*fcinfo).context;
        if context.is_null() || (*context).type_ != pg_sys::NodeTag::T_EventTriggerData {
            return Err(Error::NotOurTrigger { trigger: "canon.audit_ddl()".to_owned() }.into());
        }
        CStr::from_ptr((*context.cast::<pg_sys::EventTriggerData>()).event)
    };
    Ok(note_changes(event == c"sql_drop")?)
}

/// What happened to a recorded table.
struct Change {
    table: String,
    relation: String,
    tag: String,
    /// Columns, and whether our trigger fires, after it; `None` where table or trigger is gone.
    after: Option<String>,
    /// The table, where it is still there.
    oid: Option<pg_sys::Oid>,
}

fn note_changes(drop: bool) -> Result<()> {
    // What our own functions do is not noted as somebody's change.
    if ledger::Working::is_ours() {
        return Ok(());
    }
    let Some(owner) = ledger::owner()? else { return Ok(()) };
    let _pinned = Pinned::plain_utc();
    for change in if drop { dropped(owner)? } else { altered()? } {
        let mut image = Vec::new();
        push_field(&mut image, "command", Class::Text, change.tag.as_bytes());
        if let Some(after) = &change.after {
            push_field(&mut image, "definition", Class::Json, after.as_bytes());
        }
        let id = enable::uuid(&change.table)?;
        if let Some(oid) = change.oid
            && !identity::is_of(id, oid)?
        {
            continue;
        }
        record(&Event {
            operation: Operation::Ddl,
            table: *id.as_bytes(),
            relation: Some(&change.relation),
            key: None,
            old: None,
            new: Some(&image),
            mode: Mode::Sealed,
        })?;
        let (relation, gone) = (change.relation.as_str(), change.after.is_none());
        ledger::as_role(owner, || {
            ledger::run(
                "UPDATE canon.audit_table SET relation = $2, enabled = enabled AND NOT $3
                 WHERE id OPERATOR(pg_catalog.=) $1
                   AND (relation OPERATOR(pg_catalog.<>) $2 OR (enabled AND $3))",
                &[id.into(), relation.into(), gone.into()],
            )
        })?;
    }
    Ok(())
}

fn changes(client: &SpiClient<'_>, sql: &str) -> Result<Vec<Change>> {
    let mut found = Vec::new();
    for row in client.select(sql, None, &[])? {
        let texts = (row.get::<String>(1)?, row.get::<String>(2)?, row.get::<String>(3)?);
        if let (Some(table), Some(relation), Some(tag)) = texts {
            found.push(Change { table, relation, tag, after: row.get::<String>(4)?, oid: row.get(5)? });
        }
    }
    Ok(found)
}

/// Recorded tables that the command has changed.
fn altered() -> Result<Vec<Change>> {
    Spi::connect(|client| {
        changes(
            client,
            "SELECT pg_catalog.substring(pg_catalog.encode(t.tgargs, 'escape'), '\"id\":\"([0-9a-f-]{36})\"'),
                 pg_catalog.format('%I.%I', n.nspname, c.relname), d.command_tag,
                 pg_catalog.json_strip_nulls(pg_catalog.json_build_object(
                     'partitions', CASE WHEN c.relkind OPERATOR(pg_catalog.=) 'p' THEN COALESCE((
                         SELECT pg_catalog.json_object_agg(p.oid::pg_catalog.oid, pg_catalog.format('%I.%I', s.nspname, p.relname))
                         FROM pg_catalog.pg_partition_tree(c.oid) AS t
                         JOIN pg_catalog.pg_class AS p ON p.oid OPERATOR(pg_catalog.=) t.relid
                         JOIN pg_catalog.pg_namespace AS s ON s.oid OPERATOR(pg_catalog.=) p.relnamespace
                         WHERE t.level OPERATOR(pg_catalog.>) 0), '{}') END,
                     'recording', t.tgenabled OPERATOR(pg_catalog.=) ANY (ARRAY['O', 'A']::\"char\"[]),
                     'columns', (SELECT pg_catalog.json_object_agg(a.attname,
                             pg_catalog.format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum)
                         FROM pg_catalog.pg_attribute AS a
                         WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid
                           AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped)))::pg_catalog.text, c.oid
             FROM (SELECT DISTINCT COALESCE(
                           CASE WHEN command_tag OPERATOR(pg_catalog.=) 'ALTER TABLE' THEN pg_catalog.pg_partition_root(objid) END,
                           objid) AS objid, command_tag
                   FROM pg_catalog.pg_event_trigger_ddl_commands()
                   WHERE classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
                   UNION
                   SELECT r.oid, s.command_tag
                   FROM pg_catalog.pg_event_trigger_ddl_commands() AS s
                   JOIN pg_catalog.pg_class AS r ON r.relnamespace OPERATOR(pg_catalog.=) s.objid
                   WHERE s.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
                     AND s.command_tag OPERATOR(pg_catalog.=) 'ALTER SCHEMA') AS d
             JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) d.objid
             JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
             JOIN pg_catalog.pg_trigger AS t ON t.tgrelid OPERATOR(pg_catalog.=) c.oid
                 AND t.tgname OPERATOR(pg_catalog.=) 'canon_audit_row' AND t.tgparentid OPERATOR(pg_catalog.=) 0",
        )
    })
}

/// Recorded tables that the command has dropped, or whose trigger it has dropped; and partitions that it has
/// dropped, whose table cannot be told any more.
fn dropped(owner: pg_sys::Oid) -> Result<Vec<Change>> {
    ledger::as_role(owner, || {
        Spi::connect(|client| {
            changes(
                client,
                "SELECT t.id::pg_catalog.text, t.relation, 'DROP ' OPERATOR(pg_catalog.||) pg_catalog.upper(d.object_type),
                     NULL::pg_catalog.text, NULL::pg_catalog.oid
                 FROM pg_catalog.pg_event_trigger_dropped_objects() AS d
                 JOIN canon.audit_table AS t ON t.enabled AND (
                     (d.object_type OPERATOR(pg_catalog.=) 'table' AND t.relation OPERATOR(pg_catalog.=) d.object_identity)
                     OR (d.object_type OPERATOR(pg_catalog.=) 'trigger' AND d.original
                         AND d.object_identity OPERATOR(pg_catalog.=)
                             ('canon_audit_row on ' OPERATOR(pg_catalog.||) t.relation)))
                 UNION ALL
                 SELECT '00000000-0000-0000-0000-000000000000', p.object_identity, 'DROP TABLE', NULL, NULL
                 FROM pg_catalog.pg_event_trigger_dropped_objects() AS d
                 JOIN pg_catalog.pg_event_trigger_dropped_objects() AS p
                     ON p.object_type OPERATOR(pg_catalog.=) 'table' AND p.address_names OPERATOR(pg_catalog.=) d.address_names[1:2]
                 WHERE d.object_type OPERATOR(pg_catalog.=) 'trigger' AND NOT d.original
                   AND d.address_names[3] OPERATOR(pg_catalog.=) 'canon_audit_row'
                   AND NOT EXISTS (SELECT FROM canon.audit_table AS t
                       WHERE t.relation OPERATOR(pg_catalog.=) p.object_identity)",
            )
        })
    })
}
