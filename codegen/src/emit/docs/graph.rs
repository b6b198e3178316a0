//! The foreign-key graph as a tree of text: each table below those it points at.

use std::collections::{HashMap, HashSet, VecDeque};

use canon_core::schema::{Model, QName, Table};
use indexmap::IndexSet;

use super::layout::Layout;

/// Deeper than this a branch goes on as a tree of its own: lines stay readable, and the text as long as
/// the graph.
const DEPTH: usize = 8;

/// What points at what. A table is unfolded where it comes first and only named after that.
pub(super) fn tree(model: &Model, layout: &Layout) -> String {
    let mut children: HashMap<&QName, Vec<(&Table, String)>> = HashMap::new();
    let mut has_parent: HashSet<&QName> = HashSet::new();
    let mut outside: IndexSet<&QName> = IndexSet::new();
    let inside: HashSet<&QName> = model.tables.iter().map(|t| &t.name).collect();
    for table in &model.tables {
        for (key, references) in table.foreign_keys() {
            if references.table != table.name {
                children.entry(&references.table).or_default().push((table, key.columns.join(", ")));
                has_parent.insert(&table.name);
            }
            if !inside.contains(&references.table) {
                outside.insert(&references.table);
            }
        }
    }
    let mut writer =
        Writer { layout, children: &children, seen: HashSet::new(), later: VecDeque::new(), out: Vec::new() };
    let roots = model.tables.iter().map(|t| &t.name).filter(|n| !has_parent.contains(n) && children.contains_key(n));
    for root in outside.into_iter().chain(roots) {
        writer.root(root);
    }
    // What only cycles lead to.
    for table in model.tables.iter().filter(|t| children.contains_key(&t.name)) {
        if !writer.seen.contains(&table.name) {
            writer.root(&table.name);
        }
    }
    writer.out.join("\n")
}

struct Writer<'a> {
    layout: &'a Layout,
    children: &'a HashMap<&'a QName, Vec<(&'a Table, String)>>,
    seen: HashSet<&'a QName>,
    /// What is too deep to be unfolded where it stands.
    later: VecDeque<&'a QName>,
    out: Vec<String>,
}

/// A line that is still to be written, with the lines below it.
struct Pending<'a> {
    table: &'a QName,
    by: String,
    indent: String,
    depth: usize,
    last: bool,
}

impl<'a> Writer<'a> {
    fn label(&self, table: &QName) -> String {
        // A name with a line break must not look like two.
        let name = table.to_string().replace(|c: char| c.is_control(), " ");
        self.layout.id(table).map_or_else(|| name.clone(), |id| format!("{id} {name}"))
    }

    /// A tree, and after it those that its branches go on in.
    fn root(&mut self, root: &'a QName) {
        self.tree(root);
        while let Some(next) = self.later.pop_front() {
            if !self.seen.contains(next) {
                self.tree(next);
            }
        }
    }

    fn tree(&mut self, root: &'a QName) {
        self.out.push(self.label(root));
        let mut stack = Vec::new();
        self.unfold(root, "", 1, &mut stack);
        while let Some(next) = stack.pop() {
            let corner = if next.last { "└─→" } else { "├─→" };
            let has_more = self.children.contains_key(next.table);
            let above = has_more && self.seen.contains(next.table);
            let below = has_more && !above && next.depth >= DEPTH;
            let note = if above {
                ", see above"
            } else if below {
                ", see below"
            } else {
                ""
            };
            let by = next.by.replace(|c: char| c.is_control(), " ");
            self.out.push(format!("{}{corner} {} ({by}{note})", next.indent, self.label(next.table)));
            if below {
                self.later.push_back(next.table);
            } else {
                let indent = format!("{}{}", next.indent, if next.last { "    " } else { "│   " });
                self.unfold(next.table, &indent, next.depth + 1, &mut stack);
            }
        }
    }

    fn unfold(&mut self, table: &'a QName, indent: &str, depth: usize, stack: &mut Vec<Pending<'a>>) {
        if !self.seen.insert(table) {
            return;
        }
        let children = self.children.get(table).map_or(&[][..], Vec::as_slice);
        for (n, (child, by)) in children.iter().enumerate().rev() {
            let last = n + 1 == children.len();
            stack.push(Pending { table: &child.name, by: by.clone(), indent: indent.to_owned(), depth, last });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::layout::Pages;
    use super::*;
    use crate::load::load;
    use crate::source::Source;

    fn drawn(ddl: &str) -> String {
        let loaded = load(vec![Source::new("a.sql", ddl)]);
        assert_eq!(loaded.errors(), 0);
        tree(&loaded.model, &Layout::new(Pages::Schema, &[]))
    }

    #[test]
    fn each_table_is_unfolded_once() {
        let ddl = "CREATE TABLE a (id int PRIMARY KEY, self int REFERENCES a);
                   CREATE TABLE b (id int PRIMARY KEY, x int REFERENCES a, y int REFERENCES a);
                   CREATE TABLE c (b int REFERENCES b);
                   CREATE TABLE alone (id int);";
        assert_eq!(drawn(ddl), "public.a\n├─→ public.b (x)\n│   └─→ public.c (b)\n└─→ public.b (y, see above)");
    }

    #[test]
    fn cycles_end() {
        let ddl = "CREATE TABLE a (id int PRIMARY KEY, b int);
                   CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a);
                   ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b;";
        assert_eq!(drawn(ddl), "public.a\n└─→ public.b (a)\n    └─→ public.a (b, see above)");
    }

    #[test]
    fn a_long_chain_goes_on_below() {
        let mut ddl = "CREATE TABLE t0 (id int PRIMARY KEY);".to_owned();
        for n in 1..=20 {
            ddl.push_str(&format!("CREATE TABLE t{n} (id int PRIMARY KEY, p int REFERENCES t{});", n - 1));
        }
        let text = drawn(&ddl);
        assert_eq!(text.lines().count(), 20 + 3);
        assert_eq!(
            text.lines().filter(|l| !l.contains('→')).collect::<Vec<_>>(),
            ["public.t0", "public.t8", "public.t16"]
        );
        assert!(text.contains("public.t8 (p, see below)"), "{text}");
    }
}
