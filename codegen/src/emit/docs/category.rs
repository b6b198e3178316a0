//! Categories of tables, which decide the range of their ID.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;

use canon_core::schema::{Column, ConstraintKind, QName, Table};
use serde::{Deserialize, Serialize};

use crate::load::Loaded;
use crate::lock::Listed;

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

    /// IDs of the category: 99 in its hundred, what does not fit there in its thousand, and the
    /// rest in its hundred thousand.
    pub fn ranges(self) -> [RangeInclusive<u32>; 3] {
        let n = self as u32;
        let range = |start: u32, length: u32| start + 1..=start + length;
        [range(n * 100, 99), range((n + 1) * 1000, 999), range((n + 1) * 100_000, 99_999)]
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

/// Every table and view with its category, in the order of declaration.
pub fn listed(loaded: &Loaded, overrides: Option<&BTreeMap<String, Category>>) -> Vec<Listed> {
    let model = &loaded.model;
    let mut references: HashMap<&QName, usize> = HashMap::new();
    for table in &model.tables {
        for (_, target) in table.foreign_keys().filter(|(_, r)| r.table != table.name) {
            *references.entry(&target.table).or_default() += 1;
        }
    }
    let list = |name: &QName, category, columns: &[Column], is_partition| {
        let past = loaded.history.of(name);
        let name = name.to_string();
        Listed {
            category: overrides.and_then(|o| o.get(&name)).copied().unwrap_or(category),
            columns: columns.iter().map(|c| c.name.clone()).collect(),
            earlier_names: past.iter().flat_map(|p| &p.earlier_names).map(QName::to_string).collect(),
            is_partition,
            name,
        }
    };
    let tables = model.tables.iter().map(|t| {
        let category = of_table(t, references.get(&t.name).copied().unwrap_or(0));
        list(&t.name, category, &t.columns, t.partition_of.is_some())
    });
    let views = model.views.iter().map(|v| list(&v.name, Category::View, &v.columns, false));
    tables.chain(views).collect()
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
