//! What the triggers of a column need to know, read once and kept until it changes.

use std::cell::OnceCell;
use std::rc::Rc;

use canon_core::status::{Compiled, Machine, Stamp, StateIndex, Transition};
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys;
use pgrx::spi::OwnedPreparedStatement;

use super::error::{Error, Result};
use super::row::{Column, Row};
use super::setup::Setup;
use super::values::{Kind, Value, Values};
use crate::cache::{Cache, Sources, read};

thread_local! {
    static GUARDS: Cache<(pg_sys::Oid, String), Guard> = Cache::new();
}

/// A guarded column.
pub(super) struct Guard {
    pub(super) relation: pg_sys::Oid,
    /// The table, quoted and qualified.
    pub(super) table: String,
    /// Row type of the table.
    pub(super) row_type: pg_sys::Oid,
    pub(super) owner: pg_sys::Oid,
    pub(super) setup: Setup,
    pub(super) column: Column,
    pub(super) kind: Kind,
    pub(super) key: Vec<Column>,
    pub(super) version_column: Option<Column>,
    pub(super) history: Option<History>,
    /// The version that governs comes first; all others follow where rows are pinned.
    versions: Vec<Rules>,
}

/// One version of the machine, for this column.
pub(super) struct Rules {
    pub(super) version: i32,
    pub(super) machine: Compiled,
    pub(super) kind: Kind,
    values: Values,
    /// What the column holds in each state, as text.
    pub(super) texts: Vec<String>,
    /// For each transition of the machine.
    steps: Vec<Step>,
    /// For each pair of states, whether their change has nothing to ask and nothing to set.
    plain: Vec<bool>,
}

/// A transition, with the columns it names.
#[derive(Default)]
pub(super) struct Step {
    pub(super) stamps: Vec<(Column, Stamp)>,
    pub(super) requires: Vec<Column>,
    /// Nothing to ask and nothing to set.
    pub(super) plain: bool,
}

/// Where changes are recorded.
pub(super) struct History {
    /// The table, quoted and qualified.
    pub(super) table: String,
    /// For a batch of changes that are alike, and for one of several kinds.
    pub(super) alike: OnceCell<OwnedPreparedStatement>,
    pub(super) mixed: OnceCell<OwnedPreparedStatement>,
}

/// The guard of a column with this trigger argument.
pub(super) fn guard(relation: pg_sys::Oid, setup: &str) -> Result<Rc<Guard>> {
    GUARDS.with(|guards| guards.get((relation, setup.to_owned()), |sources| load(relation, setup, sources)))
}

/// Reads a guard without keeping it: to see whether it would work.
pub(super) fn load(relation: pg_sys::Oid, setup: &str, sources: &mut Sources) -> Result<Guard> {
    let setup = Setup::parse(setup)?;
    sources.add(relation);
    sources.add(oid_of("canon.status_machine")?.ok_or_else(|| Error::internal("canon.status_machine is missing"))?);
    let table = Table::read(relation)?;
    let column = table.column(&setup.column)?;
    let kind = Kind::of(column.ty);
    let version_column = setup.version_column.as_deref().map(|name| table.column(name)).transpose()?;
    if let Some(column) = &version_column
        && column.ty != pg_sys::INT4OID
    {
        return Err(table.unfit(column, "holds no version: its type must be integer"));
    }
    let labels = setup.label_column.as_deref().map(|label| labels(&table, &column, label, sources)).transpose()?;
    let mut versions = Vec::new();
    for (version, machine) in machines(&setup, version_column.is_some())? {
        versions.push(Rules::new(version, machine, &table, &column, kind, labels.as_deref())?);
    }
    let history = setup.history.as_deref().map(|name| history(name, &table, sources)).transpose()?;
    let Table { quoted, row_type, owner, key, .. } = table;
    Ok(Guard { relation, table: quoted, row_type, owner, setup, column, kind, key, version_column, history, versions })
}

/// The rules that a machine would set up for a column.
pub(super) fn rules(relation: pg_sys::Oid, column: &str, label: Option<&str>, machine: Machine) -> Result<Rules> {
    let table = Table::read(relation)?;
    let column = table.column(column)?;
    let labels = label.map(|label| labels(&table, &column, label, &mut Sources::default())).transpose()?;
    Rules::new(0, machine, &table, &column, Kind::of(column.ty), labels.as_deref())
}

impl Guard {
    /// The rules for a row: the version it is pinned to, or the one that governs.
    pub(super) fn rules(&self, row: &Row) -> Result<&Rules> {
        let latest = self.governing();
        let Some(column) = &self.version_column else { return Ok(latest) };
        let Some(datum) = row.get(column.number) else { return Ok(latest) };
        let pinned = datum.value() as i32;
        self.versions.iter().find(|rules| rules.version == pinned).ok_or_else(|| {
            Error::new(
                Code::ERRCODE_CHECK_VIOLATION,
                format!(
                    "machine \"{}\" has no version {pinned}, to which a row of {} is pinned",
                    self.setup.machine, self.table
                ),
            )
            .hint(format!("SELECT * FROM canon.status_machines() WHERE name = {};", literal(&self.setup.machine)))
        })
    }

    /// The version that governs rows that are not pinned to another.
    pub(super) fn governing(&self) -> &Rules {
        &self.versions[0]
    }

    /// `canon.status_permitted(...)` for a row, as a hint.
    pub(super) fn permitted_call(&self, key: Option<&str>, from: Option<&str>) -> String {
        let column = literal(&self.setup.column);
        match (key, from) {
            (Some(key), _) => {
                format!("SELECT * FROM canon.status_permitted({}, {}, {column});", literal(&self.table), literal(key))
            }
            (None, Some(from)) => format!(
                "SELECT * FROM canon.status_transitions({}) WHERE from_state = {};",
                literal(&self.setup.machine),
                literal(from)
            ),
            (None, None) => format!("SELECT * FROM canon.status_transitions({});", literal(&self.setup.machine)),
        }
    }
}

impl Rules {
    fn new(
        version: i32,
        machine: Machine,
        table: &Table,
        column: &Column,
        kind: Kind,
        labels: Option<&[(String, String)]>,
    ) -> Result<Self> {
        let name = machine.name.clone();
        let machine = Compiled::new(machine).map_err(|findings| {
            let list: Vec<String> = findings.iter().map(ToString::to_string).collect();
            Error::internal(format!("stored machine \"{name}\": {}", list.join("; ")))
        })?;
        let text = |state: &String| {
            match labels {
            None => Ok(machine.machine().value(state).to_owned()),
            Some(labels) => match labels.iter().filter(|(_, label)| label == state).collect::<Vec<_>>().as_slice() {
                [(value, _)] => Ok(value.clone()),
                found => Err(Error::new(
                    Code::ERRCODE_INVALID_TABLE_DEFINITION,
                    format!("state \"{state}\" of machine \"{name}\" stands for {} rows of the table that column \"{}\" of table {} refers to",
                        if found.is_empty() { "none of the" } else { "several" }, column.name, table.quoted),
                )
                .hint("Give the machine values: the keys of the rows.")),
            },
        }
        };
        let texts: Vec<String> = machine.machine().states.iter().map(text).collect::<Result<_>>()?;
        let values = Values::new(kind, column.ty, &texts)?;
        let steps: Vec<Step> =
            machine.machine().transitions.iter().map(|t| Step::new(t, table)).collect::<Result<_>>()?;
        let mut rules = Self { version, machine, kind, values, texts, steps, plain: Vec::new() };
        let count = rules.texts.len();
        let pairs = (0..count).flat_map(|from| (0..count).map(move |to| (from, to)));
        rules.plain = pairs.map(|(from, to)| rules.step(from, to).is_some_and(|(_, step)| step.plain)).collect();
        Ok(rules)
    }

    /// Whether a change is a transition with nothing to ask and nothing to set.
    #[inline]
    pub(super) fn is_plain(&self, from: StateIndex, to: StateIndex) -> bool {
        self.plain[from * self.texts.len() + to]
    }

    /// The state that a value stands for.
    #[inline]
    pub(super) fn state(&self, value: &Value<'_>) -> Option<StateIndex> {
        self.values.state(value)
    }

    /// The transition of a change, with what it names.
    pub(super) fn step(&self, from: StateIndex, to: StateIndex) -> Option<(&Transition, &Step)> {
        let transition = self.machine.transition(from, to)?;
        // The transitions of the machine lie in one list; so do the steps, in the same order.
        let number = self.machine.machine().transitions.iter().position(|t| std::ptr::eq(t, transition))?;
        Some((transition, &self.steps[number]))
    }
}

impl Step {
    fn new(transition: &Transition, table: &Table) -> Result<Self> {
        let mut stamps = Vec::new();
        for (name, stamp) in &transition.set {
            let column = table.column(name)?;
            if !fits(*stamp, column.ty) {
                return Err(table.unfit(&column, &format!("cannot be set to \"{}\"", stamp.as_str())));
            }
            stamps.push((column, *stamp));
        }
        let requires = transition.requires.iter().map(|name| table.column(name)).collect::<Result<Vec<_>>>()?;
        let plain = stamps.is_empty()
            && requires.is_empty()
            && transition.roles.is_empty()
            && transition.guards.is_empty()
            && !transition.requires_reason;
        Ok(Self { stamps, requires, plain })
    }
}

/// Whether a column of a type can take what a stamp writes. Not through domains: their checks are
/// those of an assignment, which a stamp is not.
fn fits(stamp: Stamp, ty: pg_sys::Oid) -> bool {
    match stamp {
        Stamp::Now | Stamp::NowOnce => matches!(ty, pg_sys::TIMESTAMPTZOID | pg_sys::TIMESTAMPOID | pg_sys::DATEOID),
        Stamp::User => matches!(ty, pg_sys::TEXTOID | pg_sys::VARCHAROID | pg_sys::NAMEOID),
        Stamp::Reason => matches!(ty, pg_sys::TEXTOID | pg_sys::VARCHAROID),
        Stamp::Increment => matches!(ty, pg_sys::INT2OID | pg_sys::INT4OID | pg_sys::INT8OID),
        Stamp::Clear => true,
    }
}

/// What the catalogue says about the table.
struct Table {
    quoted: String,
    row_type: pg_sys::Oid,
    owner: pg_sys::Oid,
    columns: Vec<Column>,
    key: Vec<Column>,
}

impl Table {
    fn read(relation: pg_sys::Oid) -> Result<Self> {
        let oid = relation.to_u32().to_string();
        let rows = read(
            "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), c.reltype::pg_catalog.text, c.relowner::pg_catalog.text
             FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
             WHERE c.oid OPERATOR(pg_catalog.=) $1::pg_catalog.oid",
            &[&oid],
        )?;
        let [Some(quoted), Some(row_type), Some(owner)] = rows.first().map_or(&[][..], Vec::as_slice) else {
            return Err(Error::new(Code::ERRCODE_UNDEFINED_TABLE, format!("relation {oid} does not exist")));
        };
        let (quoted, row_type, owner) = (quoted.clone(), number(row_type)?, number(owner)?);
        let rows = read(
            "SELECT a.attname, a.attnum::pg_catalog.text, a.atttypid::pg_catalog.text, a.atttypmod::pg_catalog.text,
                    pg_catalog.array_position(i.indkey::pg_catalog.int2[], a.attnum)::pg_catalog.text
             FROM pg_catalog.pg_attribute a
             LEFT JOIN pg_catalog.pg_index i ON i.indrelid OPERATOR(pg_catalog.=) a.attrelid AND i.indisprimary
             WHERE a.attrelid OPERATOR(pg_catalog.=) $1::pg_catalog.oid AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped
             ORDER BY a.attnum",
            &[&oid],
        )?;
        let (mut columns, mut key) = (Vec::new(), Vec::new());
        for row in rows {
            let [Some(name), Some(attnum), Some(ty), Some(modifier), position] = row.as_slice() else { continue };
            let column = Column {
                name: name.clone(),
                number: attnum.parse().map_err(|_| Error::internal("attnum"))?,
                ty: number(ty)?.into(),
                modifier: modifier.parse().map_err(|_| Error::internal("atttypmod"))?,
            };
            if let Some(position) = position {
                key.push((position.clone(), column.clone()));
            }
            columns.push(column);
        }
        key.sort_by_key(|(position, _)| position.parse::<i32>().unwrap_or(i32::MAX));
        let key = key.into_iter().map(|(_, column)| column).collect();
        Ok(Self { quoted, row_type: row_type.into(), owner: owner.into(), columns, key })
    }

    fn column(&self, name: &str) -> Result<Column> {
        self.columns.iter().find(|column| column.name == name).cloned().ok_or_else(|| {
            Error::new(Code::ERRCODE_UNDEFINED_COLUMN, format!("column \"{name}\" of table {} does not exist", self.quoted))
                .detail("The status machine of the table names it.")
                .hint("SELECT * FROM canon.status_guards(); -- a renamed column is guarded anew: status_unguard, then status_guard")
        })
    }

    fn unfit(&self, column: &Column, why: &str) -> Error {
        Error::new(Code::ERRCODE_DATATYPE_MISMATCH, format!("column \"{}\" of table {} {why}", column.name, self.quoted))
            .detail("The status machine of the table sets it. now, now_once: timestamptz, timestamp, date; user: text, varchar, name; reason: text, varchar; increment: smallint, integer, bigint.")
    }
}

fn number(text: &str) -> Result<u32> {
    text.parse().map_err(|_| Error::internal(format!("not an OID: {text}")))
}

/// The OID of a table by its quoted name.
pub(super) fn oid_of(table: &str) -> Result<Option<pg_sys::Oid>> {
    let rows = read("SELECT pg_catalog.to_regclass($1)::pg_catalog.oid::pg_catalog.text", &[table])?;
    rows.into_iter().flatten().flatten().next().map(|oid| number(&oid).map(Into::into)).transpose()
}

/// The versions that can govern: the pinned or the latest one first, all others where rows are
/// pinned one by one.
fn machines(setup: &Setup, all: bool) -> Result<Vec<(i32, Machine)>> {
    let rows = read(
        "SELECT version::pg_catalog.text, definition::pg_catalog.text FROM canon.status_machine
         WHERE name OPERATOR(pg_catalog.=) $1 ORDER BY version DESC",
        &[&setup.machine],
    )?;
    let mut machines = Vec::new();
    for row in rows {
        let [Some(version), Some(definition)] = row.as_slice() else { continue };
        let version: i32 = version.parse().map_err(|_| Error::internal("version"))?;
        let machine = serde_json::from_str(definition)
            .map_err(|error| Error::internal(format!("stored machine \"{}\": {error}", setup.machine)))?;
        machines.push((version, machine));
    }
    if let Some(pinned) = setup.version {
        let Some(place) = machines.iter().position(|(version, _)| *version == pinned) else {
            return Err(Error::new(
                Code::ERRCODE_UNDEFINED_OBJECT,
                format!("status machine \"{}\" has no version {pinned}", setup.machine),
            )
            .hint("SELECT * FROM canon.status_machines();"));
        };
        let governing = machines.remove(place);
        machines.insert(0, governing);
    }
    if machines.is_empty() {
        return Err(Error::unknown_machine(&setup.machine));
    }
    if !all {
        machines.truncate(1);
    }
    Ok(machines)
}

/// Key and label of every row of the table that a column refers to.
fn labels(table: &Table, column: &Column, label: &str, sources: &mut Sources) -> Result<Vec<(String, String)>> {
    let rows = read(
        "SELECT c.confrelid::pg_catalog.oid::pg_catalog.text, pg_catalog.format('%I.%I', n.nspname, r.relname),
                pg_catalog.quote_ident(k.attname), pg_catalog.quote_ident(l.attname)
         FROM pg_catalog.pg_constraint c
         JOIN pg_catalog.pg_class r ON r.oid OPERATOR(pg_catalog.=) c.confrelid
         JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) r.relnamespace
         JOIN pg_catalog.pg_attribute k ON k.attrelid OPERATOR(pg_catalog.=) c.confrelid
             AND k.attnum OPERATOR(pg_catalog.=) c.confkey[pg_catalog.array_position(c.conkey, $2::pg_catalog.int2)]
         JOIN pg_catalog.pg_attribute l ON l.attrelid OPERATOR(pg_catalog.=) c.confrelid
             AND l.attname OPERATOR(pg_catalog.=) $3::pg_catalog.name AND NOT l.attisdropped
         WHERE c.contype OPERATOR(pg_catalog.=) 'f' AND c.conrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass($1)
           AND $2::pg_catalog.int2 OPERATOR(pg_catalog.=) ANY (c.conkey)
         ORDER BY pg_catalog.cardinality(c.conkey), c.conname LIMIT 1",
        &[&table.quoted, &column.number.to_string(), label],
    )?;
    let [Some(oid), Some(target), Some(key), Some(name)] = rows.first().map_or(&[][..], Vec::as_slice) else {
        return Err(Error::new(
            Code::ERRCODE_UNDEFINED_COLUMN,
            format!(
                "column \"{}\" of table {} refers to no table with a column \"{label}\"",
                column.name, table.quoted
            ),
        )
        .hint("label_column is the column with the names of the states in the table of a foreign key."));
    };
    sources.add(number(oid)?.into());
    let rows = read(&format!("SELECT {key}::pg_catalog.text, {name}::pg_catalog.text FROM {target}"), &[])?;
    Ok(rows.into_iter().filter_map(|row| Some((row[0].clone()?, row[1].clone()?))).collect())
}

/// The history must belong to the owner of the table: it is written in that owner's name, and
/// nobody else's triggers may run in it.
fn history(name: &str, table: &Table, sources: &mut Sources) -> Result<History> {
    let Some(relation) = oid_of(name)? else {
        return Err(Error::new(
            Code::ERRCODE_UNDEFINED_TABLE,
            format!("the status history {name} of table {} does not exist", table.quoted),
        )
        .hint("Guard the table anew: canon.status_unguard(), then canon.status_guard()."));
    };
    sources.add(relation);
    let rows = read(
        "SELECT relowner::pg_catalog.text FROM pg_catalog.pg_class WHERE oid OPERATOR(pg_catalog.=) $1::pg_catalog.oid",
        &[&relation.to_u32().to_string()],
    )?;
    let owner = rows.into_iter().flatten().flatten().next().ok_or_else(|| Error::internal("history without owner"))?;
    if pg_sys::Oid::from(number(&owner)?) != table.owner {
        return Err(Error::new(
            Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!("the status history {name} and table {} belong to different roles", table.quoted),
        )
        .detail("The history is written in the name of the table's owner.")
        .hint("Give both to one role, or name another history: canon.status_guard(..., history_table => '...')."));
    }
    Ok(History { table: name.to_owned(), alike: OnceCell::new(), mixed: OnceCell::new() })
}

/// A string as an SQL literal.
pub(super) fn literal(text: &str) -> String {
    pgrx::spi::quote_literal(text)
}
