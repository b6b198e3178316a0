//! The foreign-key graph as a tree of text: each table below those it points at.

use std::collections::{HashMap, HashSet};

use canon_core::schema::{Model, QName, Table};

use super::layout::Layout;

/// What points at what. A table is unfolded where it comes first and only named after that, so the
/// text stays as long as the graph.
pub(super) fn tree(model: &Model, layout: &Layout) -> String {
    let mut children: HashMap<&QName, Vec<(&Table, String)>> = HashMap::new();
    let mut has_parent: HashSet<&QName> = HashSet::new();
    let mut outside: Vec<&QName> = Vec::new();
    for table in &model.tables {
        for (key, references) in table.foreign_keys() {
            if references.table != table.name {
                children.entry(&references.table).or_default().push((table, key.columns.join(", ")));
                has_parent.insert(&table.name);
            }
            if model.table(&references.table).is_none() && !outside.contains(&&references.table) {
                outside.push(&references.table);
            }
        }
    }
    let mut writer = Writer { layout, children: &children, seen: HashSet::new(), out: Vec::new() };
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
    out: Vec<String>,
}

/// A line that is still to be written, with the lines below it.
struct Pending<'a> {
    table: &'a QName,
    by: String,
    indent: String,
    last: bool,
}

impl<'a> Writer<'a> {
    fn label(&self, table: &QName) -> String {
        // A name with a line break must not look like two.
        let name = table.to_string().replace(|c: char| c.is_control(), " ");
        self.layout.id(table).map_or_else(|| name.clone(), |id| format!("{id} {name}"))
    }

    /// With a stack of its own: a chain of tables may be longer than that of the process is deep.
    fn root(&mut self, root: &'a QName) {
        self.out.push(self.label(root));
        let mut stack = Vec::new();
        self.unfold(root, "", &mut stack);
        while let Some(next) = stack.pop() {
            let corner = if next.last { "└─→" } else { "├─→" };
            let again = self.seen.contains(next.table) && self.children.contains_key(next.table);
            let note = if again { ", see above" } else { "" };
            let by = next.by.replace(|c: char| c.is_control(), " ");
            self.out.push(format!("{}{corner} {} ({by}{note})", next.indent, self.label(next.table)));
            let indent = format!("{}{}", next.indent, if next.last { "    " } else { "│   " });
            self.unfold(next.table, &indent, &mut stack);
        }
    }

    fn unfold(&mut self, table: &'a QName, indent: &str, stack: &mut Vec<Pending<'a>>) {
        if !self.seen.insert(table) {
            return;
        }
        let children = self.children.get(table).map_or(&[][..], Vec::as_slice);
        for (n, (child, by)) in children.iter().enumerate().rev() {
            let last = n + 1 == children.len();
            stack.push(Pending { table: &child.name, by: by.clone(), indent: indent.to_owned(), last });
        }
    }
}
