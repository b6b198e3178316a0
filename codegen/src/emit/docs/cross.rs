//! The cross-reference index: which tables speak of which API, journey, rule and test.

use std::collections::{BTreeMap, HashMap};

use canon_core::schema::QName;
use serde::Serialize;

use super::existing::{Texts, is_filled};
use super::layout::Layout;
use crate::lock::DocId;
use crate::markdown::text;
use crate::references::{Id, ids_in};
use crate::regions::Owner;

/// References of one prefix.
#[derive(Debug, Serialize)]
pub(super) struct Group {
    title: String,
    prefix: String,
    ids: Vec<Target>,
}

#[derive(Debug, Serialize)]
struct Target {
    id: String,
    /// Where it is defined, if one of the project's documents does.
    url: Option<String>,
    tables: Vec<Use>,
}

#[derive(Clone, Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Use {
    id: String,
    name: String,
    url: String,
    /// What stands in parentheses at the end of the line: `RW`.
    access: Option<String>,
}

/// What one table speaks of.
#[derive(Debug, Serialize)]
pub(super) struct OfTable {
    id: String,
    name: String,
    url: String,
    ids: Vec<String>,
}

/// Looks for IDs of `prefixes` in what people wrote about each table.
pub(super) fn index(
    texts: &Texts,
    tables: &[(DocId, QName)],
    layout: &Layout,
    from: &str,
    prefixes: &[String],
    defined_at: &dyn Fn(&Id) -> Option<String>,
) -> (Vec<Group>, Vec<OfTable>) {
    let names: HashMap<DocId, &str> = tables.iter().map(|(id, name)| (*id, name.name.as_str())).collect();
    let mut uses: BTreeMap<(usize, u32), (Id, Vec<Use>)> = BTreeMap::new();
    let mut by_table: BTreeMap<DocId, BTreeMap<(usize, u32), String>> = BTreeMap::new();
    for (key, written) in texts.iter().filter(|(key, t)| key.is_human() && is_filled(&t.body)) {
        let Owner::Table(id) = key.owner else { continue };
        let Some(name) = names.get(&id) else { continue };
        for (found, line) in ids_in(&written.body, prefixes) {
            let Some(rank) = prefixes.iter().position(|p| *p == found.prefix) else { continue };
            let place = (rank, found.number);
            by_table.entry(id).or_default().entry(place).or_insert_with(|| found.text.clone());
            let used = Use {
                id: id.to_string(),
                name: (*name).to_owned(),
                url: layout.url(from, id),
                access: access(line).map(text),
            };
            let (_, tables) = uses.entry(place).or_insert_with(|| (found, Vec::new()));
            if !tables.contains(&used) {
                tables.push(used);
            }
        }
    }
    let mut groups: Vec<Group> = Vec::new();
    for (id, mut tables) in uses.into_values() {
        tables.sort();
        let target = Target { url: defined_at(&id), id: id.text, tables };
        match groups.last_mut().filter(|g| g.prefix == id.prefix) {
            Some(group) => group.ids.push(target),
            None => groups.push(Group { title: title(&id.prefix), prefix: id.prefix, ids: vec![target] }),
        }
    }
    let of_table = by_table.into_iter().map(|(id, ids)| OfTable {
        id: id.to_string(),
        name: names.get(&id).copied().unwrap_or_default().to_owned(),
        url: layout.url(from, id),
        ids: ids.into_values().collect(),
    });
    (groups, of_table.collect())
}

fn title(prefix: &str) -> String {
    let by = match prefix {
        "API" => "API Access",
        "UJ" => "User Journey",
        "BR" => "Business Rule",
        "TEST" => "Test Coverage",
        other => other,
    };
    format!("Tables by {by}")
}

/// `(RW)` at the end of a line; the end of a link is none.
fn access(line: &str) -> Option<&str> {
    let inner = line.trim_end().strip_suffix(')')?;
    let (before, access) = inner.rsplit_once('(')?;
    (!before.ends_with(']') && !access.is_empty()).then_some(access)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_stands_at_the_end() {
        assert_eq!(access("- API-045 (RW)"), Some("RW"));
        assert_eq!(access("- [API-045](api.md#api-045)"), None);
        assert_eq!(access("- [API-045](api.md#api-045) (Read/Write) "), Some("Read/Write"));
        assert_eq!(access("- API-045"), None);
    }
}
