//! What a statement does to the schema, before names are resolved.

use canon_core::schema::{Action, FunctionKind, GeneratedKind, Identity, Match, TriggerEnabled};

use super::names::{Name, TypeName};

/// Effect of one statement.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    CreateSchema {
        name: String,
        if_not_exists: bool,
    },
    CreateExtension {
        name: String,
        schema: Option<String>,
        version: Option<String>,
    },
    CreateTable(Box<CreateTable>),
    AlterTable {
        name: Name,
        if_exists: bool,
        only: bool,
        actions: Vec<AlterTable>,
    },
    CreateIndex(Box<CreateIndex>),
    AttachIndex {
        parent: Name,
        partition: Name,
    },
    CreateSequence {
        name: Name,
        if_not_exists: bool,
        temporary: bool,
        options: SequenceOptions,
    },
    AlterSequence {
        name: Name,
        options: SequenceOptions,
    },
    CreateEnum {
        name: Name,
        labels: Vec<String>,
    },
    AddEnumValue {
        name: Name,
        label: String,
        place: EnumPlace,
        if_not_exists: bool,
    },
    RenameEnumValue {
        name: Name,
        from: String,
        to: String,
    },
    CreateDomain(Box<CreateDomain>),
    AlterDomain {
        name: Name,
        action: AlterDomain,
    },
    CreateComposite {
        name: Name,
        attributes: Vec<ColumnDef>,
    },
    AlterComposite {
        name: Name,
        actions: Vec<AlterComposite>,
    },
    CreateRange {
        name: Name,
        subtype: TypeName,
        multirange: Option<Name>,
    },
    CreateView(Box<CreateView>),
    CreateFunction(Box<CreateFunction>),
    AlterFunction {
        name: Name,
        arguments: Option<Vec<TypeName>>,
        options: FunctionOptions,
    },
    CreateTrigger(Box<CreateTrigger>),
    CreatePolicy(Box<CreatePolicy>),
    AlterPolicy {
        name: String,
        table: Name,
        roles: Option<Vec<String>>,
        using: Option<String>,
        check: Option<String>,
    },
    Comment {
        target: CommentTarget,
        text: Option<String>,
    },
    Drop {
        kind: ObjectClass,
        targets: Vec<DropTarget>,
        if_exists: bool,
        cascade: bool,
    },
    Rename {
        kind: ObjectClass,
        target: DropTarget,
        to: String,
    },
    SetSchema {
        kind: ObjectClass,
        target: DropTarget,
        to: String,
    },
    /// `local`: until the end of the transaction.
    SearchPath {
        path: Vec<String>,
        local: bool,
    },
    /// The end of a transaction that keeps what was done.
    Commit,
    Grant {
        on: GrantOn,
        targets: Vec<DropTarget>,
        def: PrivilegeDef,
    },
    DefaultPrivileges {
        on: &'static str,
        schemas: Vec<String>,
        def: PrivilegeDef,
    },
    Opaque {
        kind: String,
        name: String,
    },
    /// DROP of what is kept as text.
    DropOpaque {
        kind: String,
        names: Vec<String>,
    },
}

/// Classes of objects that DROP, RENAME and COMMENT speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ObjectClass {
    Schema,
    Extension,
    Table,
    Column,
    Constraint,
    DomainConstraint,
    Index,
    Sequence,
    View,
    MaterializedView,
    Type,
    Domain,
    Function,
    Procedure,
    Routine,
    Aggregate,
    Trigger,
    Policy,
}

/// One object of a DROP or RENAME.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct DropTarget {
    pub(crate) name: Name,
    /// Table of a trigger, policy, column or constraint; for these, `name.name` is theirs.
    pub(crate) table: Option<Name>,
    /// Argument types of a routine, where written.
    pub(crate) arguments: Option<Vec<TypeName>>,
}

/// Privileges, each with the columns it is limited to.
pub(crate) type Privileges = Vec<(String, Vec<String>)>;

/// What privileges are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GrantOn {
    /// Objects of this kind, by name.
    Object(&'static str),
    /// All objects of this kind in a schema.
    AllIn(&'static str),
    /// Something that is no part of a database's schema.
    Elsewhere(&'static str),
}

/// The rest of a GRANT or REVOKE.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PrivilegeDef {
    pub(crate) revoke: bool,
    /// `GRANT OPTION FOR`.
    pub(crate) option_only: bool,
    pub(crate) privileges: Privileges,
    pub(crate) roles: Vec<String>,
    pub(crate) with_option: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum CommentTarget {
    Object(ObjectClass, DropTarget),
    /// Kinds that are kept as text.
    Opaque {
        kind: String,
        name: String,
    },
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct CreateTable {
    pub(crate) name: Name,
    pub(crate) if_not_exists: bool,
    pub(crate) temporary: bool,
    pub(crate) unlogged: bool,
    pub(crate) foreign: bool,
    pub(crate) elements: Vec<Element>,
    pub(crate) inherits: Vec<Name>,
    pub(crate) partition_by: Option<String>,
    pub(crate) partition_of: Option<(Name, String)>,
    pub(crate) of_type: Option<Name>,
    /// `CREATE TABLE ... AS`: the query.
    pub(crate) as_query: Option<String>,
    /// The names in front of that query.
    pub(crate) as_columns: Vec<String>,
    /// `SERVER` of a foreign table.
    pub(crate) server: Option<String>,
    /// Comment written above the statement.
    pub(crate) comment: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Element {
    Column(Box<ColumnDef>),
    Constraint(ConstraintDef),
    /// `LIKE table` with the options that were switched on.
    Like {
        table: Name,
        including: Vec<String>,
        /// Byte offset of the declaration.
        at: usize,
    },
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ColumnDef {
    pub(crate) name: String,
    /// None in `CREATE TABLE ... OF` and `PARTITION OF`, where only options are given.
    pub(crate) ty: Option<TypeName>,
    pub(crate) not_null: bool,
    pub(crate) default: Option<String>,
    pub(crate) generated: Option<(GeneratedKind, String)>,
    pub(crate) identity: Option<(Identity, SequenceOptions)>,
    pub(crate) collation: Option<Name>,
    pub(crate) constraints: Vec<ConstraintDef>,
    /// Byte offset of the declaration.
    pub(crate) at: usize,
    /// Comment written next to it.
    pub(crate) comment: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ConstraintDef {
    pub(crate) name: Option<String>,
    pub(crate) body: ConstraintBody,
    pub(crate) deferrable: bool,
    pub(crate) initially_deferred: bool,
    pub(crate) not_valid: bool,
    pub(crate) no_inherit: bool,
    /// Byte offset of the declaration.
    pub(crate) at: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ConstraintBody {
    Primary(KeyDef),
    Unique(KeyDef),
    Foreign(ForeignDef),
    Check(String),
    /// From `USING` on, as text.
    Exclude(String),
    /// PostgreSQL 18's `CONSTRAINT name NOT NULL column`.
    NotNull(String),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct KeyDef {
    pub(crate) columns: Vec<String>,
    pub(crate) include: Vec<String>,
    pub(crate) nulls_not_distinct: bool,
    pub(crate) without_overlaps: bool,
    /// `USING INDEX name`: the columns come from that index.
    pub(crate) using_index: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ForeignDef {
    pub(crate) columns: Vec<String>,
    pub(crate) table: Name,
    pub(crate) referenced: Vec<String>,
    pub(crate) on_delete: Action,
    pub(crate) on_update: Action,
    pub(crate) on_delete_columns: Vec<String>,
    pub(crate) matching: Match,
    pub(crate) period: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum AlterTable {
    AddColumn {
        column: Box<ColumnDef>,
        if_not_exists: bool,
    },
    DropColumn {
        name: String,
        if_exists: bool,
        cascade: bool,
    },
    AddConstraint(Box<ConstraintDef>),
    DropConstraint {
        name: String,
        if_exists: bool,
        cascade: bool,
    },
    AlterConstraint {
        name: String,
        deferrable: bool,
        initially_deferred: bool,
    },
    ValidateConstraint(String),
    SetDefault {
        column: String,
        expression: Option<String>,
    },
    SetNotNull {
        column: String,
        not_null: bool,
    },
    SetType {
        column: String,
        ty: TypeName,
        collation: Option<Name>,
    },
    AddIdentity {
        column: String,
        identity: Identity,
        options: SequenceOptions,
    },
    SetIdentity {
        column: String,
        identity: Option<Identity>,
    },
    DropIdentity {
        column: String,
    },
    DropExpression {
        column: String,
    },
    SetExpression {
        column: String,
        expression: String,
    },
    AttachPartition {
        partition: Name,
        bound: String,
    },
    DetachPartition(Name),
    Inherit(Name),
    NoInherit(Name),
    SetLogged(bool),
    RowSecurity(bool),
    ForceRowSecurity(bool),
    /// None stands for ALL and USER.
    TriggerEnabled {
        name: Option<String>,
        enabled: TriggerEnabled,
    },
    RenameColumn {
        from: String,
        to: String,
    },
    RenameConstraint {
        from: String,
        to: String,
    },
    RenameTo(String),
    SetSchema(String),
    /// Options of a view.
    SetOptions(Vec<String>),
    /// Storage, ownership, statistics: nothing the model holds.
    Ignored,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct CreateIndex {
    pub(crate) name: Option<String>,
    pub(crate) table: Name,
    pub(crate) if_not_exists: bool,
    pub(crate) unique: bool,
    pub(crate) nulls_not_distinct: bool,
    pub(crate) method: Option<String>,
    pub(crate) keys: Vec<IndexKeyDef>,
    pub(crate) include: Vec<String>,
    pub(crate) predicate: Option<String>,
    pub(crate) only: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct IndexKeyDef {
    pub(crate) column: Option<String>,
    pub(crate) expression: Option<String>,
    pub(crate) collation: Option<Name>,
    pub(crate) opclass: Option<String>,
    pub(crate) descending: bool,
    pub(crate) nulls_first: Option<bool>,
}

/// Options of CREATE and ALTER SEQUENCE; None where nothing was said.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SequenceOptions {
    pub(crate) ty: Option<String>,
    pub(crate) start: Option<i64>,
    pub(crate) increment: Option<i64>,
    /// `Some(None)` is `NO MINVALUE`.
    pub(crate) min: Option<Option<i64>>,
    pub(crate) max: Option<Option<i64>>,
    pub(crate) cache: Option<i64>,
    pub(crate) cycle: Option<bool>,
    /// `Some(None)` is `OWNED BY NONE`.
    pub(crate) owned_by: Option<Option<(Name, String)>>,
    /// `SEQUENCE NAME` of an identity column.
    pub(crate) name: Option<Name>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum EnumPlace {
    End,
    Before(String),
    After(String),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct CreateDomain {
    pub(crate) name: Name,
    pub(crate) ty: TypeName,
    pub(crate) not_null: bool,
    pub(crate) default: Option<String>,
    pub(crate) collation: Option<Name>,
    pub(crate) checks: Vec<ConstraintDef>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum AlterDomain {
    SetDefault(Option<String>),
    SetNotNull(bool),
    AddCheck(ConstraintDef),
    DropConstraint { name: String, if_exists: bool },
    RenameConstraint { from: String, to: String },
    ValidateConstraint(String),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum AlterComposite {
    Add(Box<ColumnDef>),
    Drop(String),
    SetType(String, TypeName, Option<Name>),
    Rename(String, String),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct CreateView {
    pub(crate) name: Name,
    pub(crate) materialized: bool,
    pub(crate) temporary: bool,
    pub(crate) if_not_exists: bool,
    pub(crate) or_replace: bool,
    pub(crate) columns: Vec<String>,
    pub(crate) query: String,
    pub(crate) options: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ArgumentDef {
    pub(crate) mode: String,
    pub(crate) name: Option<String>,
    pub(crate) ty: TypeName,
    pub(crate) default: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct CreateFunction {
    pub(crate) name: Name,
    pub(crate) kind: FunctionKind,
    pub(crate) or_replace: bool,
    pub(crate) arguments: Vec<ArgumentDef>,
    pub(crate) returns: Option<TypeName>,
    pub(crate) options: FunctionOptions,
}

/// Options in any order; None where nothing was said.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct FunctionOptions {
    pub(crate) language: Option<String>,
    pub(crate) volatility: Option<&'static str>,
    pub(crate) strict: Option<bool>,
    pub(crate) security_definer: Option<bool>,
    pub(crate) leakproof: Option<bool>,
    pub(crate) parallel: Option<String>,
    pub(crate) window: bool,
    pub(crate) settings: Vec<String>,
    /// Settings taken back; `all` for all of them.
    pub(crate) reset: Vec<String>,
    pub(crate) body: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct CreateTrigger {
    pub(crate) name: String,
    pub(crate) table: Name,
    pub(crate) or_replace: bool,
    pub(crate) constraint: bool,
    pub(crate) timing: &'static str,
    pub(crate) events: Vec<String>,
    pub(crate) update_of: Vec<String>,
    pub(crate) for_each_row: bool,
    pub(crate) when: Option<String>,
    pub(crate) function: Name,
    pub(crate) arguments: Vec<String>,
    pub(crate) old_table: Option<String>,
    pub(crate) new_table: Option<String>,
    pub(crate) deferrable: bool,
    pub(crate) initially_deferred: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct CreatePolicy {
    pub(crate) name: String,
    pub(crate) table: Name,
    pub(crate) restrictive: bool,
    pub(crate) command: &'static str,
    pub(crate) roles: Vec<String>,
    pub(crate) using: Option<String>,
    pub(crate) check: Option<String>,
}

impl Change {
    /// Gives unqualified names of a `CREATE SCHEMA` element their schema.
    pub(crate) fn default_schema(&mut self, schema: &str) {
        let fill = |name: &mut Name| {
            name.schema.get_or_insert_with(|| schema.to_owned());
        };
        match self {
            Self::CreateTable(table) => {
                fill(&mut table.name);
                table.inherits.iter_mut().for_each(fill);
                for element in &mut table.elements {
                    let constraints: Vec<&mut ConstraintDef> = match element {
                        Element::Column(column) => column.constraints.iter_mut().collect(),
                        Element::Constraint(constraint) => vec![constraint],
                        Element::Like { .. } => Vec::new(),
                    };
                    for constraint in constraints {
                        if let ConstraintBody::Foreign(foreign) = &mut constraint.body {
                            fill(&mut foreign.table);
                        }
                    }
                }
            }
            Self::CreateIndex(index) => fill(&mut index.table),
            Self::CreateView(view) => fill(&mut view.name),
            Self::CreateSequence { name, .. } => fill(name),
            Self::Grant { on: GrantOn::Object("table" | "sequence"), targets, .. } => {
                targets.iter_mut().for_each(|target| fill(&mut target.name));
            }
            Self::CreateTrigger(trigger) => fill(&mut trigger.table),
            _ => {}
        }
    }
}
