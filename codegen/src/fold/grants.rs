//! Privileges: the state that GRANT, REVOKE and default privileges leave behind.

use std::collections::BTreeSet;

use canon_core::schema::{Function, Grant, Origin, QName};
use indexmap::IndexMap;

use super::{Catalog, Refused, Relation, SYSTEM_SCHEMAS};
use crate::parse::Name;
use crate::parse::change::{DropTarget, GrantOn, PrivilegeDef};

/// An object that has privileges.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Grantable {
    pub(super) on: &'static str,
    pub(super) name: QName,
    /// Input types of a routine.
    pub(super) arguments: Option<Vec<String>>,
}

/// What one role may do with one object or column; true where it may pass that on.
type Held = IndexMap<(Option<String>, String), (IndexMap<String, bool>, Origin)>;

/// All privileges by object.
#[derive(Debug, Default)]
pub(super) struct Privileges {
    held: IndexMap<Grantable, Held>,
    /// `ALTER DEFAULT PRIVILEGES`: kind of object, schemas (all where there are none), what.
    defaults: Vec<(&'static str, Vec<String>, PrivilegeDef, Origin)>,
}

/// Everything that can be granted on a kind of object. MAINTAIN came with PostgreSQL 17 and is part
/// of ALL there; it is left out, so that one script means the same on every version.
fn all(on: &str, column: bool) -> &'static [&'static str] {
    match on {
        "table" if column => &["INSERT", "REFERENCES", "SELECT", "UPDATE"],
        "table" => &["DELETE", "INSERT", "REFERENCES", "SELECT", "TRIGGER", "TRUNCATE", "UPDATE"],
        "sequence" => &["SELECT", "UPDATE", "USAGE"],
        "schema" => &["CREATE", "USAGE"],
        "function" => &["EXECUTE"],
        _ => &["USAGE"],
    }
}

impl Grantable {
    /// What PostgreSQL lets everybody do by itself.
    fn gift(&self) -> Option<&'static str> {
        match self.on {
            "function" => Some("EXECUTE"),
            "type" => Some("USAGE"),
            "schema" if self.name.name == "public" => Some("USAGE"),
            _ => None,
        }
    }
}

impl Privileges {
    fn apply(&mut self, object: &Grantable, def: &PrivilegeDef, origin: Origin) {
        let held = self.held.entry(object.clone()).or_default();
        for role in def.roles.iter().filter(|role| !is_self(role)) {
            for (privilege, columns) in &def.privileges {
                let columns: Vec<Option<String>> =
                    if columns.is_empty() { vec![None] } else { columns.iter().cloned().map(Some).collect() };
                for column in columns {
                    let key = (column.clone(), role.clone());
                    let gift = object.gift().filter(|_| role == "public" && column.is_none());
                    let fresh = || (gift.map(|g| (g.to_owned(), false)).into_iter().collect(), origin);
                    let (own, place) = held.entry(key).or_insert_with(fresh);
                    *place = origin;
                    let one = [privilege.as_str()];
                    let names: &[&str] = if privilege == "ALL" { all(object.on, column.is_some()) } else { &one };
                    for name in names {
                        match (def.revoke, def.option_only) {
                            (false, _) => *own.entry((*name).to_owned()).or_insert(false) |= def.with_option,
                            (true, true) => own.get_mut(*name).into_iter().for_each(|option| *option = false),
                            (true, false) => {
                                own.shift_remove(*name);
                            }
                        }
                    }
                }
            }
            if def.revoke && !def.option_only {
                revoke_columns(held, role, def);
            }
        }
    }

    pub(super) fn forget(&mut self, on: &str, name: &QName) {
        if !self.held.is_empty() {
            self.held.retain(|object, _| object.on != on || object.name != *name);
        }
    }

    pub(super) fn rename(&mut self, on: &str, from: &QName, to: &QName) {
        let hit: Vec<Grantable> =
            self.held.keys().filter(|object| object.on == on && object.name == *from).cloned().collect();
        for object in hit {
            if let Some(held) = self.held.shift_remove(&object) {
                self.held.insert(Grantable { name: to.clone(), ..object }, held);
            }
        }
    }

    pub(super) fn forget_function(&mut self, function: &Function) {
        let object = of_function(function);
        self.held.shift_remove(&object);
    }

    pub(super) fn rename_function(&mut self, function: &Function, to: &QName) {
        let object = of_function(function);
        if let Some(held) = self.held.shift_remove(&object) {
            self.held.insert(Grantable { name: to.clone(), ..object }, held);
        }
    }

    /// The entries of the model.
    pub(super) fn into_grants(self) -> Vec<Grant> {
        let mut grants = Vec::new();
        for (object, held) in self.held {
            let gift = object.gift();
            for ((column, grantee), (own, origin)) in held {
                let privileges: BTreeSet<String> = own.keys().cloned().collect();
                let grantable: BTreeSet<String> =
                    own.into_iter().filter(|(_, option)| *option).map(|(p, _)| p).collect();
                let of_gift = gift.filter(|_| grantee == "public" && column.is_none());
                let says_nothing = match of_gift {
                    Some(gift) => privileges.len() == 1 && privileges.contains(gift),
                    None => privileges.is_empty(),
                };
                if says_nothing {
                    continue;
                }
                let in_schema = object.on != "schema";
                grants.push(Grant {
                    on: object.on.to_owned(),
                    schema: if in_schema { object.name.schema.clone() } else { String::new() },
                    name: object.name.name.clone(),
                    arguments: object.arguments.clone(),
                    column,
                    grantee,
                    privileges: privileges.into_iter().collect(),
                    grantable: grantable.into_iter().collect(),
                    owner: false,
                    origin: Some(origin),
                });
            }
        }
        grants
    }
}

fn of_function(function: &Function) -> Grantable {
    let arguments = Some(function.input_types().into_iter().map(str::to_owned).collect());
    Grantable { on: "function", name: function.name.clone(), arguments }
}

/// Whoever runs the script owns what it makes.
fn is_self(role: &str) -> bool {
    matches!(role, "current_user" | "current_role" | "session_user")
}

/// A privilege that is revoked for the table is gone for its columns too.
fn revoke_columns(held: &mut Held, role: &str, def: &PrivilegeDef) {
    let whole: Vec<&str> =
        def.privileges.iter().filter(|(_, columns)| columns.is_empty()).map(|(p, _)| p.as_str()).collect();
    for ((column, grantee), (own, _)) in held.iter_mut() {
        if column.is_some() && grantee == role {
            own.retain(|privilege, _| !(whole.contains(&"ALL") || whole.contains(&privilege.as_str())));
        }
    }
}

impl Catalog {
    pub(super) fn grant(
        &mut self,
        on: GrantOn,
        targets: &[DropTarget],
        def: &PrivilegeDef,
        origin: Origin,
    ) -> Result<(), Refused> {
        for target in targets {
            let objects = match on {
                GrantOn::AllIn(kind) => self.all_in(kind, &target.name.name),
                GrantOn::Object(kind) => match self.grantable(kind, target) {
                    Some(Some(object)) => vec![object],
                    // Of a session, or of an extension.
                    Some(None) => Vec::new(),
                    None => return Err(format!("{kind} {} does not exist", target.name)),
                },
                GrantOn::Elsewhere(_) => Vec::new(),
            };
            for object in objects {
                self.privileges.apply(&object, def, origin);
            }
        }
        Ok(())
    }

    /// The object that is meant; `Some(None)` where it is none of the model's.
    fn grantable(&self, kind: &'static str, target: &DropTarget) -> Option<Option<Grantable>> {
        let plain = |on, name: QName| Some(Some(Grantable { on, name, arguments: None }));
        match kind {
            "schema" => plain("schema", QName::new("", &target.name.name)),
            "function" => match self.match_function(target) {
                Some(key) => Some(Some(of_function(&self.functions[&key]))),
                None => Some(None),
            },
            "type" => match self.find_type(&target.name) {
                Some(name) => plain("type", name),
                None => Some(None),
            },
            _ => match self.find_relation(&target.name) {
                // TABLE may be written for a sequence.
                Some((name, Relation::Sequence)) => plain("sequence", name),
                Some((name, Relation::Table | Relation::View)) => plain("table", name),
                Some((_, Relation::Temporary)) => Some(None),
                _ if is_of_system(&target.name) || !self.extensions.is_empty() => Some(None),
                _ => None,
            },
        }
    }

    fn all_in(&self, kind: &'static str, schema: &str) -> Vec<Grantable> {
        let inside = |name: &&QName| name.schema == schema;
        let plain = |name: &QName| Grantable { on: kind, name: name.clone(), arguments: None };
        match kind {
            "table" => self.tables.keys().chain(self.views.keys()).filter(inside).map(plain).collect(),
            "sequence" => self.sequences.keys().filter(inside).map(plain).collect(),
            _ => self.functions.values().filter(|f| f.name.schema == schema).map(of_function).collect(),
        }
    }

    pub(super) fn default_privileges(
        &mut self,
        on: &'static str,
        schemas: Vec<String>,
        def: PrivilegeDef,
        origin: Origin,
    ) -> Result<(), Refused> {
        self.privileges.defaults.push((on, schemas, def, origin));
        Ok(())
    }

    /// Gives a new object what default privileges say.
    pub(super) fn endow(&mut self, on: &'static str, name: &QName, arguments: Option<Vec<String>>) {
        if self.privileges.defaults.is_empty() {
            return;
        }
        let object = Grantable { on, name: name.clone(), arguments };
        let fitting: Vec<(PrivilegeDef, Origin)> = self
            .privileges
            .defaults
            .iter()
            .filter(|(kind, schemas, ..)| *kind == on && (schemas.is_empty() || schemas.contains(&name.schema)))
            .map(|(_, _, def, origin)| (def.clone(), *origin))
            .collect();
        for (def, origin) in fitting {
            self.privileges.apply(&object, &def, origin);
        }
    }
}

/// Catalogues, which are no part of a schema.
fn is_of_system(name: &Name) -> bool {
    match name.schema.as_deref() {
        Some(schema) => SYSTEM_SCHEMAS.contains(&schema),
        None => name.name.starts_with("pg_"),
    }
}
