//! What `canon` reads of a statement agrees with PostgreSQL's own parser, which libpg_query carries.

use std::collections::BTreeMap;
use std::fs;

use anyhow::Result;
use canon_codegen::load::{Loaded, load};
use canon_codegen::model::ConstraintKind;
use canon_codegen::source::Source;
use canon_codegen::split::{PieceKind, split};
use canon_tests::corpus::{folder, samples};
use pg_query::NodeEnum;
use pg_query::protobuf::{ConstrType, CreateStmt, ObjectType, RangeVar};
use xtask::repo_root;

/// Regression tests of the server itself: their intended errors are not repeated here one by one.
const TORTURE: &str = "pg_regress_ddl";

/// Names and texts: the packs, the fixtures, and the folder of real DDL where there is one.
fn texts() -> Result<Vec<(String, String)>> {
    let root = repo_root()?;
    let mut texts = Vec::new();
    for folder in ["tests/fixtures", "schema/core", "schema/saas", "schema/cutover", "schema/agentops"] {
        for entry in fs::read_dir(root.join(folder))? {
            let path = entry?.path();
            if path.extension().is_some_and(|e| e == "sql") {
                texts.push((path.display().to_string(), fs::read_to_string(&path)?));
            }
        }
    }
    if let Some(folder) = folder()? {
        texts.extend(samples(&folder)?.into_iter().filter(|s| s.name != TORTURE).map(|s| (s.name, s.text)));
    }
    texts.sort();
    Ok(texts)
}

/// Whether a text holds what the parser cannot know: a psql variable that nobody fills, and forms of
/// PostgreSQL 18, which came after it.
fn is_beyond(text: &str) -> bool {
    [":\"", " VIRTUAL", "WITHOUT OVERLAPS", "PERIOD ", "NOT ENFORCED"].iter().any(|form| text.contains(form))
}

/// The statements as `canon` splits them.
fn statements(text: &str) -> Vec<&str> {
    let pieces = split(text);
    pieces.iter().filter(|p| p.kind == PieceKind::Statement).map(|p| &text[p.range.clone()]).collect()
}

/// Only statements: psql's commands and rows of COPY are nothing that the parser knows.
fn only_statements(text: &str) -> String {
    statements(text).iter().map(|statement| format!("{statement};\n")).collect()
}

#[test]
fn statements_end_where_the_parser_says() -> Result<()> {
    let mut compared = 0;
    for (name, text) in texts()? {
        let ours = statements(&text);
        let whole = only_statements(&text);
        let theirs = match pg_query::split_with_parser(&whole) {
            Ok(theirs) => theirs,
            // The file as a whole does not parse.
            Err(_) if is_beyond(&text) => continue,
            Err(error) => panic!("{name}: {error}"),
        };
        assert_eq!(ours.len(), theirs.len(), "{name}");
        for (ours, theirs) in ours.iter().zip(theirs) {
            assert_eq!(without_comments(ours), without_comments(theirs), "{name}");
            compared += 1;
        }
    }
    assert!(compared > 100);
    Ok(())
}

/// The parser counts comments in front of a statement to it.
fn without_comments(statement: &str) -> &str {
    let pieces = split(statement);
    pieces.first().map_or("", |piece| statement[piece.range.clone()].trim_end())
}

/// What became of a statement by itself.
fn fate(loaded: &Loaded) -> &'static str {
    let account = &loaded.coverage[0];
    match (account.modelled, account.opaque, account.skipped, account.unparsed) {
        (1.., _, _, _) => "modelled",
        (_, 1.., _, _) => "opaque",
        (_, _, 1.., _) => "skipped",
        _ => "unparsed",
    }
}

/// What must become of a statement of this kind; None where it depends.
fn expected_fate(node: &NodeEnum) -> Option<&'static str> {
    use NodeEnum as N;
    match node {
        N::AlterTableStmt(s) if s.objtype != ObjectType::ObjectTable as i32 => None,
        N::CreateStmt(_)
        | N::AlterTableStmt(_)
        | N::IndexStmt(_)
        | N::CreateSchemaStmt(_)
        | N::CreateExtensionStmt(_)
        | N::CreateSeqStmt(_)
        | N::AlterSeqStmt(_)
        | N::CreateEnumStmt(_)
        | N::AlterEnumStmt(_)
        | N::CreateDomainStmt(_)
        | N::AlterDomainStmt(_)
        | N::CompositeTypeStmt(_)
        | N::CreateRangeStmt(_)
        | N::ViewStmt(_)
        | N::CreateTableAsStmt(_)
        | N::CreateFunctionStmt(_)
        | N::AlterFunctionStmt(_)
        | N::CreateTrigStmt(_)
        | N::CreatePolicyStmt(_)
        | N::AlterPolicyStmt(_)
        | N::CreateForeignTableStmt(_) => Some("modelled"),
        N::InsertStmt(_)
        | N::UpdateStmt(_)
        | N::DeleteStmt(_)
        | N::CopyStmt(_)
        | N::TruncateStmt(_)
        | N::TransactionStmt(_)
        | N::VacuumStmt(_)
        | N::ReindexStmt(_)
        | N::ClusterStmt(_) => Some("skipped"),
        N::CreateCastStmt(_)
        | N::RuleStmt(_)
        | N::CreateEventTrigStmt(_)
        | N::CreateStatsStmt(_)
        | N::CreatePublicationStmt(_)
        | N::CreateForeignServerStmt(_)
        | N::CreateOpClassStmt(_)
        | N::CreateRoleStmt(_) => Some("opaque"),
        _ => None,
    }
}

fn relation(range: Option<&RangeVar>) -> (Option<String>, String) {
    let range = range.cloned().unwrap_or_default();
    (Some(range.schemaname).filter(|s| !s.is_empty()), range.relname)
}

fn strings(nodes: &[pg_query::protobuf::Node]) -> Vec<String> {
    let string = |node: &pg_query::protobuf::Node| match &node.node {
        Some(NodeEnum::String(s)) => Some(s.sval.clone()),
        _ => None,
    };
    nodes.iter().filter_map(string).collect()
}

/// The name that a statement gives to what it makes.
fn made(node: &NodeEnum) -> Option<(Option<String>, String)> {
    use NodeEnum as N;
    let qualified = |nodes: &[pg_query::protobuf::Node]| {
        let mut names = strings(nodes);
        let name = names.pop()?;
        Some((names.pop(), name))
    };
    match node {
        N::CreateStmt(s) => Some(relation(s.relation.as_ref())),
        N::CreateSeqStmt(s) => Some(relation(s.sequence.as_ref())),
        N::ViewStmt(s) => Some(relation(s.view.as_ref())),
        N::CompositeTypeStmt(s) => Some(relation(s.typevar.as_ref())),
        N::CreateEnumStmt(s) => qualified(&s.type_name),
        N::CreateDomainStmt(s) => qualified(&s.domainname),
        N::CreateRangeStmt(s) => qualified(&s.type_name),
        N::CreateFunctionStmt(s) => qualified(&s.funcname),
        N::CreateSchemaStmt(s) if !s.schemaname.is_empty() => Some((None, s.schemaname.clone())),
        N::CreateExtensionStmt(s) if s.extname != "plpgsql" => Some((None, s.extname.clone())),
        _ => None,
    }
}

/// Every name in the model, with its schema.
fn names(loaded: &Loaded) -> Vec<(String, String)> {
    let m = &loaded.model;
    let relations = m.tables.iter().map(|t| &t.name).chain(m.views.iter().map(|v| &v.name));
    let types = m.enums.iter().map(|t| &t.name).chain(m.domains.iter().map(|t| &t.name));
    let types = types.chain(m.composites.iter().map(|t| &t.name)).chain(m.ranges.iter().map(|t| &t.name));
    let others = m.sequences.iter().map(|s| &s.name).chain(m.functions.iter().map(|f| &f.name));
    let qualified = relations.chain(types).chain(others).map(|n| (n.schema.clone(), n.name.clone()));
    let bare = m.schemas.iter().map(|s| s.name.clone()).chain(m.extensions.iter().map(|e| e.name.clone()));
    qualified.chain(bare.map(|name| ("public".to_owned(), name))).collect()
}

/// Columns, and constraints by kind, of a CREATE TABLE that stands for itself.
fn compare_table(name: &str, statement: &str, stmt: &CreateStmt, loaded: &Loaded) {
    let stands_alone = stmt.inh_relations.is_empty() && stmt.of_typename.is_none() && stmt.partbound.is_none();
    let Some(table) = loaded.model.tables.first().filter(|_| stands_alone) else { return };
    let mut columns = Vec::new();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    let mut count = |contype: i32| {
        let kind = match ConstrType::try_from(contype) {
            Ok(ConstrType::ConstrPrimary) => "primary",
            Ok(ConstrType::ConstrUnique) => "unique",
            Ok(ConstrType::ConstrCheck) => "check",
            Ok(ConstrType::ConstrForeign) => "foreign",
            Ok(ConstrType::ConstrExclusion) => "exclusion",
            _ => return,
        };
        *kinds.entry(kind).or_default() += 1;
    };
    for element in stmt.table_elts.iter().filter_map(|e| e.node.as_ref()) {
        match element {
            NodeEnum::ColumnDef(column) => {
                columns.push(column.colname.clone());
                for constraint in column.constraints.iter().filter_map(|c| c.node.as_ref()) {
                    if let NodeEnum::Constraint(c) = constraint {
                        count(c.contype);
                    }
                }
            }
            NodeEnum::Constraint(c) => count(c.contype),
            _ => return,
        }
    }
    let ours: Vec<String> = table.columns.iter().map(|c| c.name.clone()).collect();
    assert_eq!(ours, columns, "{name}: {statement}");
    let mut own: BTreeMap<&str, usize> = BTreeMap::new();
    for constraint in &table.constraints {
        let kind = match constraint.kind {
            ConstraintKind::Primary => "primary",
            ConstraintKind::Unique => "unique",
            ConstraintKind::Check => "check",
            ConstraintKind::Foreign => "foreign",
            ConstraintKind::Exclusion => "exclusion",
        };
        *own.entry(kind).or_default() += 1;
    }
    // One index serves where a key is declared twice.
    let unique = |kinds: &mut BTreeMap<&str, usize>| kinds.remove("unique").unwrap_or(0);
    assert!(unique(&mut own) <= unique(&mut kinds), "{name}: {statement}");
    assert_eq!(own, kinds, "{name}: {statement}");
}

#[test]
fn kinds_names_and_columns_agree_with_the_parser() -> Result<()> {
    let (mut compared, mut named, mut tables) = (0, 0, 0);
    let mut wrong = Vec::new();
    for (name, text) in texts()? {
        for statement in statements(&text) {
            let loaded = load(vec![Source::new("statement.sql", statement)]);
            let Ok(parsed) = pg_query::parse(statement) else {
                assert!(is_beyond(statement), "{name}: only canon reads {statement}");
                continue;
            };
            let Some(node) = parsed.protobuf.stmts.first().and_then(|s| s.stmt.as_ref()?.node.as_ref()) else {
                continue;
            };
            let fate = fate(&loaded);
            let expected = expected_fate(node).unwrap_or(fate);
            if fate == "unparsed" || fate != expected {
                wrong.push(format!("{name}: {fate} instead of {expected}: {statement}"));
            }
            compared += 1;
            // A statement that needs others is refused by itself: no name is to be had then.
            if let Some((schema, made)) = made(node).filter(|_| loaded.diagnostics.is_empty()) {
                let names = names(&loaded);
                let known = names.iter().any(|(s, n)| *n == made && schema.as_ref().is_none_or(|schema| schema == s));
                assert!(known || names.is_empty(), "{name}: {made} is not among {names:?}: {statement}");
                named += usize::from(known);
            }
            if let NodeEnum::CreateStmt(stmt) = node {
                compare_table(&name, statement, stmt, &loaded);
                tables += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 500 && named > 100 && tables > 100);
    Ok(())
}
