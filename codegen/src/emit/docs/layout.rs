//! Which page holds which table, and how one gets there.

use std::collections::{BTreeMap, HashMap, HashSet};

use canon_core::schema::QName;
use serde::Deserialize;

use crate::lock::DocId;
use crate::markdown;

/// How tables are divided over pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pages {
    /// One page a PostgreSQL schema.
    #[default]
    Schema,
    /// One page a table or view.
    Table,
}

/// The page that has the navigation and everything about the source as a whole.
pub(super) const INDEX: &str = "README.md";

/// A page of tables.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PageOf {
    pub(super) file: String,
    pub(super) title: String,
    pub(super) ids: Vec<DocId>,
}

/// The pages of a source, and the place of each table.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// Pages apart from the index; none where the index holds all tables.
    pub(super) pages: Vec<PageOf>,
    /// Tables on the index itself.
    pub(super) on_index: Vec<DocId>,
    places: HashMap<DocId, (String, String)>,
    ids: HashMap<QName, DocId>,
}

impl Layout {
    /// `tables` in the order of their IDs.
    pub(super) fn new(mode: Pages, tables: &[(DocId, QName)]) -> Self {
        let mut layout = Self { ids: tables.iter().map(|(id, name)| (name.clone(), *id)).collect(), ..Self::default() };
        let schemas: BTreeMap<&str, Vec<&(DocId, QName)>> = tables.iter().fold(BTreeMap::new(), |mut all, table| {
            all.entry(table.1.schema.as_str()).or_insert_with(Vec::new).push(table);
            all
        });
        match mode {
            Pages::Schema if schemas.len() < 2 => layout.on_index = tables.iter().map(|(id, _)| *id).collect(),
            Pages::Schema => {
                let mut used = HashSet::from([INDEX.to_lowercase()]);
                for (schema, tables) in schemas {
                    let file = free(&file_name(schema), &mut used);
                    let ids = tables.iter().map(|(id, _)| *id).collect();
                    layout.pages.push(PageOf { file, title: format!("Schema {schema}"), ids });
                }
            }
            Pages::Table => {
                for (id, name) in tables {
                    let file = format!("{id}-{}.md", file_name(&name.name));
                    let title = format!("{id}: {}", name.name);
                    layout.pages.push(PageOf { file, title, ids: vec![*id] });
                }
            }
        }
        let of_page: HashMap<DocId, &str> =
            layout.pages.iter().flat_map(|p| p.ids.iter().map(|id| (*id, p.file.as_str()))).collect();
        layout.places = tables
            .iter()
            .map(|(id, name)| {
                let file = of_page.get(id).copied().unwrap_or(INDEX);
                (*id, (file.to_owned(), anchor(*id, &name.name)))
            })
            .collect();
        layout
    }

    /// Where a table is described, as seen from another page of the source.
    pub(super) fn url(&self, from: &str, id: DocId) -> String {
        match self.places.get(&id) {
            Some((file, anchor)) if file == from => format!("#{anchor}"),
            Some((file, anchor)) => format!("{file}#{anchor}"),
            None => format!("{INDEX}#{}", explicit_anchor(id)),
        }
    }

    /// The page of a table.
    pub(super) fn page(&self, id: DocId) -> &str {
        self.places.get(&id).map_or(INDEX, |(file, _)| file)
    }

    pub(super) fn id(&self, table: &QName) -> Option<DocId> {
        self.ids.get(table).copied()
    }

    /// `[DBT-001](#dbt-001-orders) orders`; its name alone where it has no page.
    pub(super) fn link(&self, from: &str, table: &QName) -> String {
        match self.id(table) {
            Some(id) => format!("[{id}]({}) {}", self.url(from, id), markdown::text(&table.name)),
            None => markdown::code(&table.to_string()),
        }
    }
}

/// The anchor of the heading `DBT-001: name`.
pub(super) fn anchor(id: DocId, name: &str) -> String {
    markdown::slug(&format!("{id}: {}", markdown::text(name)))
}

/// An anchor that does not change with the name.
pub(super) fn explicit_anchor(id: DocId) -> String {
    id.to_string().to_lowercase()
}

/// A name that every file system takes.
fn file_name(name: &str) -> String {
    let safe: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' })
        .take(80)
        .collect();
    if safe.is_empty() { "_".to_owned() } else { safe }
}

/// File systems that know no case must not mix two schemas up.
fn free(name: &str, used: &mut HashSet<String>) -> String {
    let names = std::iter::once(format!("{name}.md")).chain((2..).map(|n| format!("{name}-{n}.md")));
    let mut names = names.skip_while(|file| used.contains(&file.to_lowercase()));
    let file = names.next().unwrap_or_default();
    used.insert(file.to_lowercase());
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(names: &[&str]) -> Vec<(DocId, QName)> {
        let name = |n: &&str| n.split_once('.').map(|(s, t)| QName::new(s, t)).unwrap();
        names.iter().enumerate().map(|(n, t)| (DocId(n as u32 + 1), name(t))).collect()
    }

    fn files(layout: &Layout) -> Vec<&str> {
        layout.pages.iter().map(|p| p.file.as_str()).collect()
    }

    #[test]
    fn one_schema_is_one_page() {
        let layout = Layout::new(Pages::Schema, &tables(&["s.a", "s.b"]));
        assert_eq!((files(&layout).len(), layout.on_index.len()), (0, 2));
        assert_eq!(layout.url(INDEX, DocId(2)), "#dbt-002-b");
    }

    #[test]
    fn more_schemas_are_more_pages() {
        let layout = Layout::new(Pages::Schema, &tables(&["s.a", "t.b", "T.c", "readme.d", "a/b.e", "a b.f"]));
        assert_eq!(files(&layout), ["T.md", "a_b.md", "a_b-2.md", "readme-2.md", "s.md", "t-2.md"]);
        assert_eq!(layout.url(INDEX, DocId(2)), "t-2.md#dbt-002-b");
        assert_eq!(layout.url("t-2.md", DocId(2)), "#dbt-002-b");
    }

    #[test]
    fn a_page_a_table() {
        let layout = Layout::new(Pages::Table, &tables(&["s.a", "s.../../b c"]));
        assert_eq!(files(&layout), ["DBT-001-a.md", "DBT-002-______b_c.md"]);
        assert_eq!(layout.link("DBT-001-a.md", &QName::new("s", "a")), "[DBT-001](#dbt-001-a) a");
        assert_eq!(layout.link(INDEX, &QName::new("s", "x")), "`s.x`");
    }
}
