//! What verification looks at beyond the hashes: that nothing is missing, that recording is on, that
//! the live tables agree.

use canon_core::ledger::dump::Anchor;
use canon_core::ledger::verify::{Audit, Problem};
use pgrx::prelude::*;

use super::{ledger, log, status};
use crate::error::{Error, Result};

/// A problem with an entry; its position is looked up.
pub(super) fn problem(entry: Option<i64>, text: String) -> Result<Problem> {
    let position = Spi::connect(|client| {
        let sql = "SELECT pg_catalog.min(position) FROM canon.audit_position WHERE entry_id OPERATOR(pg_catalog.=) $1";
        client.select(sql, Some(1), &[entry.into()])?.first().get_one::<i64>()
    })?;
    let position = position.and_then(|position| u64::try_from(position).ok()).unwrap_or(u64::MAX);
    Ok(Problem { entry, position, text })
}

fn first(sql: &str) -> Result<Option<(Option<i64>, String)>> {
    Spi::connect(|client| {
        let rows = client.select(sql, Some(1), &[])?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        Ok(Some((row.get::<i64>(1)?, row.get::<String>(2)?.unwrap_or_default())))
    })
}

/// What was verified before completeness is looked at.
pub(super) struct Scope {
    /// Only what is new.
    pub(super) incremental: bool,
    /// Number of sealed entries, where all that are left were found.
    pub(super) all: Option<u64>,
    /// Whether the definition of a table was changed in what was verified.
    pub(super) definitions: bool,
}

/// Whether there are no other entries than the sealed ones: counting is cheaper than looking for each.
fn nothing_else(scope: &Scope) -> Result<bool> {
    let Some(all) = scope.all else { return Ok(false) };
    let sql = "SELECT pg_catalog.count(*) FROM canon.audit_entry";
    let count = Spi::connect(|client| client.select(sql, Some(1), &[])?.first().get_one::<i64>())?;
    Ok(count.and_then(|count| u64::try_from(count).ok()) == Some(all))
}

/// The first thing that is missing or switched off. Must run as the owner of the ledger.
pub(super) fn completeness(scope: &Scope) -> Result<Option<Problem>> {
    if let Some(found) = status::recorded(false)?.into_iter().find(|table| table.problem.is_some()) {
        let text = format!("{} is not recorded: {}", found.relation, found.problem.unwrap_or_default());
        return problem(None, text).map(Some);
    }
    let unsealed = format!(
        "SELECT e.id, 'the entry was never sealed, although everything of its time was'
         FROM canon.audit_entry AS e CROSS JOIN canon.audit_ledger AS l
         WHERE {} NOT EXISTS (SELECT FROM canon.audit_position AS p
                 WHERE p.entry_id OPERATOR(pg_catalog.=) e.id AND p.xid OPERATOR(pg_catalog.=) e.xid
                   AND p.recorded_at OPERATOR(pg_catalog.=) e.recorded_at)
           AND (e.id OPERATOR(pg_catalog.<=) l.after_id OR (l.target IS NULL
               AND pg_catalog.pg_visible_in_snapshot(e.xid, l.snapshot)
               AND l.identity OPERATOR(pg_catalog.=) canon.audit_identity()))
         ORDER BY e.id LIMIT 1",
        if scope.incremental {
            "e.recorded_at OPERATOR(pg_catalog.>) (pg_catalog.now() OPERATOR(pg_catalog.-) interval '1 day') AND"
        } else {
            ""
        }
    );
    let guarded = ledger::TABLES.map(|table| format!("'{table}'")).join(", ");
    let guards = format!(
        "SELECT NULL::pg_catalog.int8, pg_catalog.format('table canon.%I has lost its guard', c.relname)
         FROM pg_catalog.pg_class AS c
         JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
         WHERE n.nspname OPERATOR(pg_catalog.=) 'canon' AND c.relkind OPERATOR(pg_catalog.=) ANY (ARRAY['r', 'p']::\"char\"[])
           AND (c.relname OPERATOR(pg_catalog.=) ANY (ARRAY[{guarded}]::pg_catalog.name[])
                OR EXISTS (SELECT FROM pg_catalog.pg_inherits AS i
                    WHERE i.inhrelid OPERATOR(pg_catalog.=) c.oid
                      AND i.inhparent OPERATOR(pg_catalog.=) 'canon.audit_entry'::pg_catalog.regclass))
           AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
               WHERE t.tgrelid OPERATOR(pg_catalog.=) c.oid AND t.tgname OPERATOR(pg_catalog.=) 'canon_audit_guard'
                 AND t.tgfoid OPERATOR(pg_catalog.=) 'canon.audit_guard'::pg_catalog.regproc
                 AND t.tgenabled OPERATOR(pg_catalog.=) ANY (ARRAY['O', 'A']::\"char\"[]))
         ORDER BY 2 LIMIT 1"
    );
    let grants = format!(
        "SELECT NULL::pg_catalog.int8, pg_catalog.format('role %s may write canon.%I',
             COALESCE(a.grantee::pg_catalog.regrole::pg_catalog.text, 'PUBLIC'), c.relname)
         FROM pg_catalog.pg_class AS c
         JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
         CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) AS a
         WHERE n.nspname OPERATOR(pg_catalog.=) 'canon'
           AND (c.relname OPERATOR(pg_catalog.=) ANY (ARRAY[{guarded}]::pg_catalog.name[])
                OR c.relname LIKE 'audit\\_entry\\_%')
           AND a.grantee OPERATOR(pg_catalog.<>) c.relowner
           AND a.privilege_type OPERATOR(pg_catalog.=) ANY (ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'])
         ORDER BY 2 LIMIT 1"
    );
    let unique = "SELECT NULL::pg_catalog.int8, pg_catalog.format('constraint %s of the ledger is gone', w.name)
         FROM pg_catalog.unnest(ARRAY['pk_audit_position', 'uq_audit_position_entry_id', 'uq_audit_block_previous_hash',
             'pk_audit_lane_link', 'uq_audit_lane_link_previous_hash']) AS w (name)
         WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS k
             WHERE k.conname OPERATOR(pg_catalog.=) w.name::pg_catalog.name
               AND k.connamespace OPERATOR(pg_catalog.=) 'canon'::pg_catalog.regnamespace)
         ORDER BY 2 LIMIT 1";
    // A window in which the trigger was off stands in the ledger itself, until recording is begun anew.
    let windows = "SELECT e.id, pg_catalog.format('recording of %s was switched off by this entry: %s', e.relation,
             pg_catalog.jsonb_extract_path_text(canon.audit_image(e.new_row), 'command'))
         FROM canon.audit_entry AS e
         WHERE e.operation OPERATOR(pg_catalog.=) 'DDL'
           AND (pg_catalog.jsonb_extract_path_text(canon.audit_image(e.new_row), 'definition', 'recording')
                    OPERATOR(pg_catalog.=) 'false'
                OR pg_catalog.jsonb_extract_path_text(canon.audit_image(e.new_row), 'command')
                    OPERATOR(pg_catalog.=) 'DROP TRIGGER')
           AND NOT EXISTS (SELECT FROM canon.audit_entry AS later
               WHERE later.table_id OPERATOR(pg_catalog.=) e.table_id AND later.id OPERATOR(pg_catalog.>) e.id
                 AND later.operation OPERATOR(pg_catalog.=) 'ENABLE')
         ORDER BY e.id LIMIT 1";
    let complete = nothing_else(scope)?;
    let wanted = [
        (unsealed.as_str(), !complete),
        (&guards, true),
        (&grants, true),
        (unique, true),
        (windows, !complete || scope.definitions),
    ];
    for (sql, _) in wanted.into_iter().filter(|(_, wanted)| *wanted) {
        if let Some((entry, text)) = first(sql)? {
            return problem(entry, text).map(Some);
        }
    }
    lanes()
}

/// The chains that are written inside transactions: every link, and that none is missing.
fn lanes() -> Result<Option<Problem>> {
    let found = first(
        "WITH linked AS (
             SELECT k.lane, k.seq, k.entry_id, k.previous_hash, k.hash, e.leaf,
                 pg_catalog.lag(k.hash, 1, l.base_hash) OVER w AS before,
                 pg_catalog.lag(k.seq, 1, l.base_seq) OVER w AS seq_before
             FROM canon.audit_lane_link AS k
             JOIN canon.audit_lane AS l ON l.lane OPERATOR(pg_catalog.=) k.lane
             LEFT JOIN canon.audit_position AS p ON p.entry_id OPERATOR(pg_catalog.=) k.entry_id
             LEFT JOIN canon.audit_entry AS e ON e.id OPERATOR(pg_catalog.=) k.entry_id
             WINDOW w AS (PARTITION BY k.lane ORDER BY k.seq))
         SELECT entry_id, pg_catalog.format('link %s of lane %s does not follow from the one before', seq, lane)
         FROM linked
         WHERE seq OPERATOR(pg_catalog.<>) (seq_before OPERATOR(pg_catalog.+) 1) OR leaf IS NULL
            OR previous_hash OPERATOR(pg_catalog.<>) before
            OR hash OPERATOR(pg_catalog.<>) pg_catalog.sha256(
                   '\\x02'::pg_catalog.bytea OPERATOR(pg_catalog.||) previous_hash OPERATOR(pg_catalog.||) leaf)
         UNION ALL
         SELECT NULL, pg_catalog.format('lane %s ends at %s, its links at %s', l.lane, l.seq, COALESCE(m.seq, l.base_seq))
         FROM canon.audit_lane AS l
         LEFT JOIN (SELECT lane, pg_catalog.max(seq) AS seq FROM canon.audit_lane_link GROUP BY lane) AS m
             ON m.lane OPERATOR(pg_catalog.=) l.lane
         WHERE l.seq OPERATOR(pg_catalog.<>) COALESCE(m.seq, l.base_seq)
         ORDER BY 1 LIMIT 1",
    )?;
    found.map(|(entry, text)| problem(entry, text)).transpose()
}

/// Remembers how far everything is good.
pub(super) fn settle(audit: &Audit, problem: Option<&Problem>) -> Result<()> {
    // A standby verifies, and remembers nothing.
    // SAFETY: reads a flag of the server.
    if unsafe { pg_sys::RecoveryInProgress() || pg_sys::XactReadOnly } {
        return Ok(());
    }
    log::mark_verified(problem.map(|problem| problem.position))?;
    if problem.is_some() {
        return Ok(());
    }
    let state = serde_json::to_string(&Anchor::of(audit.state())).map_err(|e| Error::Internal(e.to_string()))?;
    ledger::run(
        "UPDATE canon.audit_ledger SET verified = $1::pg_catalog.text::pg_catalog.json",
        &[state.as_str().into()],
    )
}
