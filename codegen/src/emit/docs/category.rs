//! Categories of tables, which decide the range of their ID.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;

use canon_core::schema::{ConstraintKind, Model, QName, Table};
use serde::{Deserialize, Serialize};

/// What a table is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Others depend on it.
    Core,
    /// A part of the subject.
    Feature,
    /// Links tables many to many.
    Junction,
    /// A view or materialised view.
    View,
    /// Records what happened, or serves the system itself.
    Audit,
}

impl Category {
    /// All of them, in the order of their ranges.
    pub const ALL: [Self; 5] = [Self::Core, Self::Feature, Self::Junction, Self::View, Self::Audit];

    /// IDs of the category: 99 in its hundred, and what does not fit there in its thousand.
    pub fn ranges(self) -> [RangeInclusive<u32>; 2] {
        let n = self as u32;
        [n * 100 + 1..=n * 100 + 99, (n + 1) * 1000 + 1..=(n + 1) * 1000 + 999]
    }

    /// Heading of the category.
    pub fn title(self) -> &'static str {
        match self {
            Self::Core => "Core Tables",
            Self::Feature => "Feature Tables",
            Self::Junction => "Junction/Relationship Tables",
            Self::View => "Views & Materialized Views",
            Self::Audit => "Audit/System Tables",
        }
    }

    /// The word at a single table.
    pub fn label(self) -> &'static str {
        match self {
            Self::Core => "Core Table",
            Self::Feature => "Feature Table",
            Self::Junction => "Junction Table",
            Self::View => "View",
            Self::Audit => "Audit Table",
        }
    }
}

/// A table that this many others point at is a core table.
const CORE_REFERENCES: usize = 3;

/// Words in the name of a table that records what happened.
const AUDIT_WORDS: &[&str] = &[
    "audit",
    "log",
    "logs",
    "history",
    "changelog",
    "changeloglock",
    "databasechangelog",
    "databasechangeloglock",
    "attempts",
];

/// Name and category of every table and view, in the order of declaration.
pub fn categories(model: &Model, overrides: Option<&BTreeMap<String, Category>>) -> Vec<(String, Category)> {
    let mut references: HashMap<&QName, usize> = HashMap::new();
    for table in &model.tables {
        for (_, target) in table.foreign_keys().filter(|(_, r)| r.table != table.name) {
            *references.entry(&target.table).or_default() += 1;
        }
    }
    let tables =
        model.tables.iter().map(|t| (t.name.to_string(), of_table(t, references.get(&t.name).copied().unwrap_or(0))));
    let views = model.views.iter().map(|v| (v.name.to_string(), Category::View));
    let chosen = |name: &str| overrides.and_then(|o| o.get(name)).copied();
    tables.chain(views).map(|(name, category)| (name.clone(), chosen(&name).unwrap_or(category))).collect()
}

fn of_table(table: &Table, references: usize) -> Category {
    if table.name.name.split('_').any(|word| AUDIT_WORDS.contains(&word)) {
        return Category::Audit;
    }
    if is_junction(table) {
        return Category::Junction;
    }
    if references >= CORE_REFERENCES { Category::Core } else { Category::Feature }
}

/// A key made of nothing but foreign keys, at least two of them, and little else in the table.
fn is_junction(table: &Table) -> bool {
    let foreign: Vec<&String> = table.foreign_keys().flat_map(|(key, _)| &key.columns).collect();
    let keys = table.constraints.iter().filter(|c| matches!(c.kind, ConstraintKind::Primary | ConstraintKind::Unique));
    let linking = keys.filter(|key| {
        let parents = table.foreign_keys().filter(|(fk, _)| fk.columns.iter().any(|c| key.columns.contains(c))).count();
        parents >= 2 && key.columns.iter().all(|c| foreign.contains(&c))
    });
    linking.count() > 0 && table.columns.len() <= 6
}
