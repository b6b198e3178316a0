use std::collections::{HashMap, HashSet};

use canon_core::schema::{Column, QName, Table, TableKind, quote_ident};

use super::super::context::{Context, column_name, column_origin, is_partition, is_text};
use super::super::finding::{Draft, Findings};
use super::super::rule::{Check, Rule, Severity};
use super::page;

pub(in crate::lint) static RULE: Rule = Rule {
    code: "L8",
    name: "reference-without-foreign-key",
    summary: "A column is named and typed like a reference, but no foreign key says so.",
    severity: Severity::Warning,
    page: page!("L8"),
    check: Check::Unit(check),
};

fn check(cx: &Context<'_>, out: &mut Findings<'_>) {
    let targets = Targets::new(cx);
    for table in &cx.model.tables {
        if is_partition(table) || table.kind == TableKind::Foreign {
            continue;
        }
        let referencing: HashSet<&str> =
            table.foreign_keys().flat_map(|(key, _)| key.columns.iter().map(String::as_str)).collect();
        for column in table.columns.iter().filter(|c| !c.inherited && c.generated.is_none()) {
            let name = column.name.as_str();
            if !looks_like_reference(name) || referencing.contains(name) || cx.options.opaque_ids.contains(name) {
                continue;
            }
            // The table's own key, unless it is shared with another table.
            if matches!(table.primary_key(), [key] if key == name) {
                continue;
            }
            if let Some(draft) = draft(cx, &targets, table, column) {
                out.push(draft);
            }
        }
    }
}

fn looks_like_reference(name: &str) -> bool {
    name.ends_with("_id") || name.starts_with("predecessor") || name.ends_with("_predecessor")
}

fn draft(cx: &Context<'_>, targets: &Targets<'_>, table: &Table, column: &Column) -> Option<Draft> {
    let ty = cx.base_type(column);
    let (object, origin) = (column_name(table, column), column_origin(table, column));
    let name = quote_ident(&column.name);
    if let Some(target) = targets.find(cx, table, column) {
        let key = quote_ident(&target.primary_key()[0]);
        let message = format!("column {name} reads like a reference to {}, without a foreign key", target.name);
        let help = format!("ALTER TABLE {} ADD FOREIGN KEY ({name}) REFERENCES {} ({key});", table.name, target.name);
        return Some(Draft::new(cx, object, origin, message).help(help));
    }
    // Without a table it may mean, only a type that nothing but keys has is telling.
    if ty != "uuid" {
        return None;
    }
    let stem = column.name.trim_end_matches("_id");
    let kind = [format!("{stem}_type"), format!("{stem}_kind")];
    let message = match kind.iter().find(|k| table.column(k).is_some()) {
        Some(kind) => format!("column {name} refers to different tables, by {kind}: no foreign key can check it"),
        None => format!("column {name} is a uuid like a reference, but there is no table it could mean"),
    };
    let help = "declare the foreign key, or list the column under [lint.options] opaque-ids";
    Some(Draft::new(cx, object, origin, message).help(help).hint())
}

/// Tables by what a column that means them may be called.
struct Targets<'a> {
    /// By the singular of their name, and by parts of it.
    by_stem: HashMap<(&'a str, String), Vec<&'a Table>>,
    /// By the name of their key, where it is not just `id`.
    by_key: HashMap<(&'a str, &'a str), Vec<&'a Table>>,
    /// Columns that point at a table, as far as they do it by a key of their own.
    pointing: HashSet<(&'a QName, &'a str)>,
}

impl<'a> Targets<'a> {
    fn new(cx: &Context<'a>) -> Self {
        let mut by_stem: HashMap<(&str, String), Vec<&Table>> = HashMap::new();
        let mut by_key: HashMap<(&str, &str), Vec<&Table>> = HashMap::new();
        for table in &cx.model.tables {
            let [key] = table.primary_key() else { continue };
            // A key that is itself a reference is no place of its own.
            let shared = table.foreign_keys().any(|(foreign, _)| foreign.columns.contains(key));
            if is_partition(table) || shared {
                continue;
            }
            let schema = table.name.schema.as_str();
            by_stem.entry((schema, singular(&table.name.name))).or_default().push(table);
            if key != "id" && key != "uuid" {
                by_key.entry((schema, key)).or_default().push(table);
            }
        }
        let single = cx.foreign_keys().filter(|k| k.key.columns.len() == 1);
        let pointing = single.map(|k| (&k.references.table, k.key.columns[0].as_str())).collect();
        Self { by_stem, by_key, pointing }
    }

    /// The key's name is the table's, or others point at the table under that name.
    fn is_meant_by(&self, target: &Table, key: &str, column: &str) -> bool {
        let stem = key.trim_end_matches("_id");
        target.name.name.split('_').any(|word| word == stem || singular(word) == stem)
            || singular(&target.name.name) == stem
            || self.pointing.contains(&(&target.name, column))
    }

    /// The one table that the column's name means, where its key has the column's type.
    fn find(&self, cx: &Context<'_>, table: &Table, column: &Column) -> Option<&'a Table> {
        let schema = table.name.schema.as_str();
        let fits = |target: &&&'a Table| {
            let key = target.column(&target.primary_key()[0]);
            key.is_some_and(|k| cx.base_type(k) == cx.base_type(column))
        };
        let only = |found: &[&'a Table]| {
            let mut fitting = found.iter().filter(fits);
            fitting.next().copied().filter(|_| fitting.next().is_none())
        };
        // predecessor_sqi_id and sti_id_predecessor contain the key's own name.
        let bare = column.name.strip_prefix("predecessor_").or_else(|| column.name.strip_suffix("_predecessor"));
        let names = [Some(column.name.as_str()), bare];
        let by_key = |name: &str| {
            only(self.by_key.get(&(schema, name))?).filter(|target| self.is_meant_by(target, name, &column.name))
        };
        if let Some(found) = names.into_iter().flatten().find_map(by_key) {
            return Some(found);
        }
        // owner_team_id: team, else owner_team; never the bare tail of a text column.
        let stem = column.name.strip_suffix("_id")?;
        if is_text(cx.base_type(column)) {
            return None;
        }
        let whole = only(self.by_stem.get(&(schema, stem.to_owned())).map_or(&[], Vec::as_slice));
        // A table's own name in a column of its own is an identifier from elsewhere.
        whole.filter(|found| found.name != table.name).or_else(|| {
            let tail = stem.rsplit_once('_')?.1;
            let uuid = cx.base_type(column) == "uuid";
            only(self.by_stem.get(&(schema, tail.to_owned()))?).filter(|_| uuid)
        })
    }
}

/// Good enough to compare names of tables with names of columns.
fn singular(name: &str) -> String {
    let name = name.to_lowercase();
    for (plural, one) in [("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh")] {
        if let Some(stem) = name.strip_suffix(plural) {
            return format!("{stem}{one}");
        }
    }
    match name.strip_suffix('s') {
        Some(stem) if !stem.ends_with(['s', 'u', 'i']) => stem.to_owned(),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::singular;

    #[test]
    fn plurals_lose_their_ending() {
        for (plural, one) in
            [("teams", "team"), ("companies", "company"), ("status", "status"), ("boxes", "box"), ("class", "class")]
        {
            assert_eq!(singular(plural), one);
        }
    }
}
