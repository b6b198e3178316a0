//! Entity-relationship diagrams: which tables and keys are drawn, and in which notation.

mod dot;
mod layout;
mod mermaid;
mod svg;

use std::collections::{BTreeMap, HashMap, VecDeque};

use canon_core::schema::{Constraint, ConstraintKind, Model, QName, Table};

/// What is drawn, without a notation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagram {
    /// Tables, in the order of the model.
    pub entities: Vec<Entity>,
    /// Foreign keys, table by table.
    pub relations: Vec<Relation>,
}

/// A table of a [`Diagram`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    /// Its name.
    pub name: QName,
    /// The name as drawn: without the schema where no other table of the diagram has it too.
    pub label: String,
    /// The diagram is about this table.
    pub focus: bool,
    /// The columns that are drawn.
    pub attributes: Vec<Attribute>,
}

/// A column of an [`Entity`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: String,
    /// Part of the primary key.
    pub primary: bool,
    /// Part of a foreign key.
    pub foreign: bool,
    /// Takes no NULL.
    pub not_null: bool,
}

/// A foreign key of a [`Diagram`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// Referenced table, as an index into [`Diagram::entities`].
    pub parent: usize,
    /// Referencing table.
    pub child: usize,
    /// Referencing columns.
    pub label: String,
    /// A row may reference nothing.
    pub optional: bool,
    /// At most one row references the same row.
    pub one_to_one: bool,
}

/// Which columns of a table are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns {
    /// All.
    All,
    /// Those of the primary key and of foreign keys.
    Keys,
    /// None.
    None,
    /// Those of keys, and only of the tables that the diagram is about.
    FocusKeys,
}

impl Diagram {
    /// As Mermaid `erDiagram`, without a newline at the end.
    pub fn mermaid(&self) -> String {
        mermaid::render(self)
    }

    /// As DOT, for Graphviz.
    pub fn dot(&self) -> String {
        dot::render(self)
    }

    /// As SVG that needs no other file.
    pub fn svg(&self) -> String {
        svg::render(self)
    }
}

/// The foreign keys of a model, ready for drawing.
#[derive(Debug)]
pub struct Graph<'m> {
    model: &'m Model,
    index: HashMap<&'m QName, usize>,
    /// For every table, the tables that a foreign key leads to or from.
    neighbours: Vec<Vec<usize>>,
}

impl<'m> Graph<'m> {
    /// Indexes the foreign keys of `model`.
    pub fn new(model: &'m Model) -> Self {
        let index: HashMap<&QName, usize> = model.tables.iter().enumerate().map(|(n, t)| (&t.name, n)).collect();
        let mut neighbours = vec![Vec::new(); model.tables.len()];
        for (n, table) in model.tables.iter().enumerate() {
            for (_, references) in table.foreign_keys() {
                if let Some(&to) = index.get(&references.table) {
                    neighbours[n].push(to);
                    neighbours[to].push(n);
                }
            }
        }
        Self { model, index, neighbours }
    }

    /// The model.
    pub fn model(&self) -> &'m Model {
        self.model
    }

    /// All tables. Partitions are left out: they hold the rows of a table that is drawn.
    pub fn whole(&self, columns: Columns) -> Diagram {
        let tables = self.model.tables.iter().enumerate();
        let chosen = tables.filter(|(_, table)| table.partition_of.is_none()).map(|(n, _)| (n, 0)).collect();
        self.build(&chosen, 1, &[], columns)
    }

    /// The tables of `focus` and those that `depth` foreign keys lead to or from. A key is drawn
    /// where one of its ends is closer than that: at depth 1 only the keys of `focus`.
    pub fn around(&self, focus: &[&QName], depth: usize, columns: Columns) -> Diagram {
        self.build(&self.distances(focus, depth), depth, focus, columns)
    }

    /// The tables up to `depth` foreign keys away, and how far each is.
    fn distances(&self, focus: &[&QName], depth: usize) -> BTreeMap<usize, usize> {
        let mut queue: VecDeque<usize> = focus.iter().filter_map(|name| self.index.get(*name).copied()).collect();
        let mut distances: BTreeMap<usize, usize> = queue.iter().map(|n| (*n, 0)).collect();
        while let Some(n) = queue.pop_front() {
            let next = distances[&n] + 1;
            if next > depth {
                break;
            }
            for &to in &self.neighbours[n] {
                if self.model.tables[to].partition_of.is_none() && !distances.contains_key(&to) {
                    distances.insert(to, next);
                    queue.push_back(to);
                }
            }
        }
        distances
    }

    /// Draws tables, given with their distance.
    fn build(&self, chosen: &BTreeMap<usize, usize>, depth: usize, focus: &[&QName], columns: Columns) -> Diagram {
        let position: HashMap<usize, usize> = chosen.keys().enumerate().map(|(position, n)| (*n, position)).collect();
        let mut bare: HashMap<&str, usize> = HashMap::new();
        chosen.keys().for_each(|n| *bare.entry(&self.model.tables[*n].name.name).or_default() += 1);
        let mut diagram = Diagram::default();
        for (child, (n, distance)) in chosen.iter().enumerate() {
            let table = &self.model.tables[*n];
            let QName { schema, name } = &table.name;
            let is_focus = focus.contains(&&table.name);
            diagram.entities.push(Entity {
                name: table.name.clone(),
                label: if bare[name.as_str()] == 1 { name.clone() } else { format!("{schema}.{name}") },
                focus: is_focus,
                attributes: attributes(table, columns, is_focus),
            });
            for (key, references) in table.foreign_keys() {
                let Some(parent) = self.index.get(&references.table) else { continue };
                if let Some(far) = chosen.get(parent)
                    && distance.min(far) < &depth
                {
                    diagram.relations.push(relation(table, key, position[parent], child));
                }
            }
        }
        diagram
    }
}

fn attributes(table: &Table, columns: Columns, focus: bool) -> Vec<Attribute> {
    let keys_only = match columns {
        Columns::All => false,
        Columns::Keys => true,
        Columns::FocusKeys if focus => true,
        Columns::FocusKeys | Columns::None => return Vec::new(),
    };
    let attribute = |column: &canon_core::schema::Column| Attribute {
        name: column.name.clone(),
        ty: column.ty.clone(),
        primary: table.primary_key().contains(&column.name),
        foreign: table.foreign_keys().any(|(key, _)| key.columns.contains(&column.name)),
        not_null: column.not_null,
    };
    table.columns.iter().map(attribute).filter(|a| !keys_only || a.primary || a.foreign).collect()
}

fn relation(table: &Table, key: &Constraint, parent: usize, child: usize) -> Relation {
    let within = |columns: &[String]| !columns.is_empty() && columns.iter().all(|c| key.columns.contains(c));
    let by_constraint = table
        .constraints
        .iter()
        .any(|c| matches!(c.kind, ConstraintKind::Primary | ConstraintKind::Unique) && within(&c.columns));
    let by_index = table.indexes.iter().filter(|i| i.unique && i.predicate.is_none()).any(|index| {
        let columns: Option<Vec<String>> = index.keys.iter().map(|k| k.column.clone()).collect();
        columns.is_some_and(|columns| within(&columns))
    });
    Relation {
        parent,
        child,
        label: key.columns.join(", "),
        optional: key.columns.iter().any(|c| table.column(c).is_some_and(|c| !c.not_null)),
        one_to_one: by_constraint || by_index,
    }
}
