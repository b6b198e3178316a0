//! What a query gives: its columns, with their types as far as they follow from the tables it
//! reads, and the relations it reads.
//!
//! Names follow PostgreSQL's `FigureColname`. A star over something unknown (a function, a table of
//! another file) makes the columns unknown; a type that does not follow is left empty.

mod scalar;

use std::collections::HashMap;
use std::ops::ControlFlow;

use canon_core::schema::{Column, QName};
use sqlparser::ast::{
    Expr, Ident, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, TableAlias, TableFactor, TableWithJoins, visit_relations,
};

use super::Catalog;
use crate::parse::Name;

/// What is known of a query.
#[derive(Debug, Default)]
pub(super) struct Derived {
    /// Its columns; None where they do not follow from the text.
    pub(super) columns: Option<Vec<Column>>,
    /// Tables and views it reads, each once.
    pub(super) reads: Vec<QName>,
}

/// Name and type; the type is empty where it does not follow.
type Field = (String, String);

/// A table of a FROM clause.
struct Source {
    alias: String,
    /// None where its columns are not known.
    fields: Option<Vec<Field>>,
}

/// Columns of common table expressions.
type Ctes = HashMap<String, Option<Vec<Field>>>;

/// PostgreSQL's own limit of a SELECT list.
const MAX_FIELDS: usize = 1664;

/// Nesting of subqueries that is followed.
const MAX_DEPTH: usize = 32;

impl Catalog {
    /// What a query gives, as far as it can be read.
    pub(super) fn derive(&self, text: &str) -> Derived {
        let Some(query) = crate::expr::parse_query(text) else { return Derived::default() };
        let fields = self.query(&query, &Ctes::new(), MAX_DEPTH);
        let columns = fields
            .map(|fields| fields.into_iter().map(|(name, ty)| Column { name, ty, ..Column::default() }).collect());
        Derived { columns, reads: self.reads(&query) }
    }

    fn reads(&self, query: &Query) -> Vec<QName> {
        let mut reads: Vec<QName> = Vec::new();
        let _ = visit_relations(query, |name| {
            if let Some((found, _)) = self.find_relation(&name_of(name))
                && !reads.contains(&found)
            {
                reads.push(found);
            }
            ControlFlow::<()>::Continue(())
        });
        reads
    }

    fn query(&self, query: &Query, outer: &Ctes, depth: usize) -> Option<Vec<Field>> {
        let depth = depth.checked_sub(1)?;
        let mut ctes = outer.clone();
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            let name = ident(&cte.alias.name);
            let fields = self.query(&cte.query, &ctes, depth);
            // A recursive expression reads itself: until its first part is known, it is not.
            let fields = fields.map(|fields| renamed(fields, &cte.alias));
            ctes.insert(name, fields);
        }
        self.set(&query.body, &ctes, depth)
    }

    fn set(&self, body: &SetExpr, ctes: &Ctes, depth: usize) -> Option<Vec<Field>> {
        let depth = depth.checked_sub(1)?;
        match body {
            SetExpr::Select(select) => self.select(select, ctes, depth),
            SetExpr::Query(query) => self.query(query, ctes, depth),
            SetExpr::SetOperation { left, right, .. } => {
                let left = self.set(left, ctes, depth)?;
                let right = self.set(right, ctes, depth);
                Some(united(left, right))
            }
            SetExpr::Values(values) => {
                let width = values.rows.first()?.content.len();
                let scope = Scope { catalog: self, sources: Vec::new(), merged: Vec::new(), ctes, depth };
                let ty = |n: usize| {
                    let mut types = values.rows.iter().map(|row| row.content.get(n).map(|expr| scope.ty(expr)));
                    let first = types.next()??;
                    types.all(|ty| ty.as_ref() == Some(&first)).then_some(first)
                };
                Some((0..width).map(|n| (format!("column{}", n + 1), ty(n).unwrap_or_default())).collect())
            }
            SetExpr::Table(table) => {
                let name = Name { schema: table.schema_name.clone(), name: table.table_name.clone()? };
                self.relation_fields(&name)
            }
            _ => None,
        }
    }

    fn select(&self, select: &Select, ctes: &Ctes, depth: usize) -> Option<Vec<Field>> {
        let mut sources = Vec::new();
        let mut merged = Vec::new();
        for table in &select.from {
            self.table(table, ctes, depth, &mut sources, &mut merged);
        }
        let scope = Scope { catalog: self, sources, merged, ctes, depth };
        let mut fields = Vec::new();
        for item in &select.projection {
            if fields.len() > MAX_FIELDS {
                return None;
            }
            match item {
                SelectItem::UnnamedExpr(expr) => fields.push((scope.name(expr), scope.ty(expr))),
                SelectItem::ExprWithAlias { expr, alias } => fields.push((ident(alias), scope.ty(expr))),
                SelectItem::Wildcard(_) => fields.extend(scope.star()?),
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                    let alias = name_of(name).name;
                    let source = scope.sources.iter().find(|s| s.alias == alias)?;
                    fields.extend(source.fields.clone()?);
                }
                _ => return None,
            }
        }
        (fields.len() <= MAX_FIELDS).then_some(fields)
    }

    fn table(
        &self,
        table: &TableWithJoins,
        ctes: &Ctes,
        depth: usize,
        sources: &mut Vec<Source>,
        merged: &mut Vec<String>,
    ) {
        self.factor(&table.relation, ctes, depth, sources, merged);
        for join in &table.joins {
            let before = sources.len();
            self.factor(&join.relation, ctes, depth, sources, merged);
            let constraint = match &join.join_operator {
                JoinOperator::Join(c)
                | JoinOperator::Inner(c)
                | JoinOperator::Left(c)
                | JoinOperator::LeftOuter(c)
                | JoinOperator::Right(c)
                | JoinOperator::RightOuter(c)
                | JoinOperator::FullOuter(c) => c,
                _ => continue,
            };
            match constraint {
                JoinConstraint::Using(columns) => merged.extend(columns.iter().map(|c| name_of(c).name)),
                JoinConstraint::Natural => {
                    let (left, right) = sources.split_at(before);
                    let left: Vec<&Field> = left.iter().flat_map(|s| s.fields.iter().flatten()).collect();
                    let right: Vec<&Field> = right.iter().flat_map(|s| s.fields.iter().flatten()).collect();
                    let common = left.iter().filter(|(name, _)| right.iter().any(|(other, _)| other == name));
                    merged.extend(common.map(|(name, _)| name.clone()));
                }
                _ => {}
            }
        }
    }

    fn factor(
        &self,
        factor: &TableFactor,
        ctes: &Ctes,
        depth: usize,
        sources: &mut Vec<Source>,
        merged: &mut Vec<String>,
    ) {
        let (fields, alias, own_name) = match factor {
            TableFactor::Table { name, alias, args: None, .. } => {
                let name = name_of(name);
                let cte = if name.schema.is_none() { ctes.get(&name.name) } else { None };
                let fields = cte.map_or_else(|| self.relation_fields(&name), Clone::clone);
                (fields, alias, name.name)
            }
            TableFactor::Derived { subquery, alias, .. } => (self.query(subquery, ctes, depth), alias, String::new()),
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                return self.table(table_with_joins, ctes, depth, sources, merged);
            }
            TableFactor::Table { name, alias, .. } | TableFactor::Function { name, alias, .. } => {
                // A function of one column is a table of one column, named like its alias.
                let own = name_of(name).name;
                let listed = alias.as_ref().filter(|a| !a.columns.is_empty());
                let fields =
                    listed.map(|a| a.columns.iter().map(|c| (ident(&c.name), String::new())).collect::<Vec<_>>());
                (fields, alias, own)
            }
            TableFactor::UNNEST { alias, .. } => {
                let listed = alias.as_ref().filter(|a| !a.columns.is_empty());
                let fields =
                    listed.map(|a| a.columns.iter().map(|c| (ident(&c.name), String::new())).collect::<Vec<_>>());
                (fields, alias, "unnest".to_owned())
            }
            _ => (None, &None, String::new()),
        };
        let (alias, fields) = match alias {
            Some(alias) => (ident(&alias.name), fields.map(|fields| renamed(fields, alias))),
            None => (own_name, fields),
        };
        sources.push(Source { alias, fields });
    }

    fn relation_fields(&self, name: &Name) -> Option<Vec<Field>> {
        let (found, _) = self.find_relation(name)?;
        let columns = match (self.tables.get(&found), self.views.get(&found)) {
            (Some(table), _) => &table.columns,
            (None, Some(view)) => &view.columns,
            _ => return None,
        };
        let fields = columns.iter().map(|c| (c.name.clone(), c.ty.clone())).collect::<Vec<_>>();
        (!fields.is_empty()).then_some(fields)
    }
}

/// Where the names of a SELECT are looked up.
struct Scope<'a> {
    catalog: &'a Catalog,
    sources: Vec<Source>,
    /// Columns that USING and NATURAL made one.
    merged: Vec<String>,
    ctes: &'a Ctes,
    depth: usize,
}

impl Scope<'_> {
    /// `*`: merged columns first, then the rest in order.
    fn star(&self) -> Option<Vec<Field>> {
        let mut all = Vec::new();
        for source in &self.sources {
            all.extend(source.fields.as_ref()?.iter().cloned());
        }
        let mut fields: Vec<Field> = Vec::new();
        for name in &self.merged {
            if fields.iter().all(|(other, _)| other != name) {
                fields.extend(all.iter().find(|(other, _)| other == name).cloned());
            }
        }
        fields.extend(all.into_iter().filter(|(name, _)| !self.merged.contains(name)));
        Some(fields)
    }

    /// The type of a column.
    fn column(&self, table: Option<&str>, column: &str) -> String {
        let mut found: Option<&str> = None;
        for source in self.sources.iter().filter(|s| table.is_none_or(|t| s.alias == t)) {
            match &source.fields {
                Some(fields) => {
                    let hit = fields.iter().find(|(name, _)| name == column);
                    found = found.or(hit.map(|(_, ty)| ty.as_str()));
                }
                // It may be a column of what is not known.
                None if found.is_none() => return String::new(),
                None => {}
            }
        }
        found.unwrap_or_default().to_owned()
    }

    fn subquery(&self, query: &Query) -> Option<Field> {
        self.catalog.query(query, self.ctes, self.depth)?.into_iter().next()
    }
}

fn renamed(mut fields: Vec<Field>, alias: &TableAlias) -> Vec<Field> {
    for (field, column) in fields.iter_mut().zip(&alias.columns) {
        field.0 = ident(&column.name);
    }
    fields
}

/// Names come from the first query; a type is certain where both sides have it.
fn united(left: Vec<Field>, right: Option<Vec<Field>>) -> Vec<Field> {
    let Some(right) = right else { return left.into_iter().map(|(name, _)| (name, String::new())).collect() };
    left.into_iter()
        .enumerate()
        .map(|(n, (name, ty))| {
            let same = right.get(n).is_some_and(|(_, other)| *other == ty);
            (name, if same { ty } else { String::new() })
        })
        .collect()
}

fn ident(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_ascii_lowercase() }
}

fn name_of(name: &ObjectName) -> Name {
    let mut parts: Vec<String> = name
        .0
        .iter()
        .filter_map(|part| match part {
            ObjectNamePart::Identifier(i) => Some(ident(i)),
            ObjectNamePart::Function(_) => None,
        })
        .collect();
    let name = parts.pop().unwrap_or_default();
    Name { schema: parts.pop(), name }
}

/// The expression without parentheses.
fn inner(expr: &Expr) -> &Expr {
    match expr {
        Expr::Nested(expr) => inner(expr),
        other => other,
    }
}
