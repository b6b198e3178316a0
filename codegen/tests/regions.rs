//! Whatever is done to the schema and whatever people write: their text is there afterwards, byte for
//! byte, under the ID it was written for.

mod common;

use std::collections::BTreeMap;
use std::fs;

use canon_codegen::project::{Project as Opened, What};
use common::Project;
use proptest::prelude::*;

/// What can happen between two runs.
#[derive(Clone, Debug)]
enum Step {
    /// Text for a table (by number) and a section (by number).
    Write(usize, usize, String),
    Rename(usize),
    Drop(usize),
    Create,
    AddColumn(usize),
    /// The next file declares things in another order.
    Pages(bool),
    Schema(usize),
}

const SECTIONS: [&str; 4] = ["purpose", "related", "compliance", "versions"];

fn text() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        any::<String>(),
        Just("```".to_owned()),
        Just("~~~~\r".to_owned()),
        Just("<!-- canon:sum 0123456789abcdef -->".to_owned()),
        Just("<!-- canon:begin human DBT-101 owner -->".to_owned()),
        Just("<!-- canon:end human DBT-101 nothing -->".to_owned()),
        Just("## DBT-101: a heading".to_owned()),
        Just("\u{1}0\u{1}".to_owned()),
        Just("---".to_owned()),
        Just("  {{ entry.id }} {% if %}\t ".to_owned()),
        Just("API-7 (RW) BR-12".to_owned()),
    ];
    // A line with something in it, so that the region is not an empty one.
    prop::collection::vec(line, 0..6).prop_map(|lines| format!("Ours.\n{}\n", lines.join("\n")))
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (any::<usize>(), 0..SECTIONS.len(), text()).prop_map(|(t, s, text)| Step::Write(t, s, text)),
        2 => any::<usize>().prop_map(Step::Rename),
        1 => any::<usize>().prop_map(Step::Drop),
        1 => Just(Step::Create),
        1 => any::<usize>().prop_map(Step::AddColumn),
        1 => any::<bool>().prop_map(Step::Pages),
        1 => any::<usize>().prop_map(Step::Schema),
    ]
}

/// A project that grows by migrations.
struct World {
    project: Project,
    migrations: usize,
    /// Present name and ID of each table that is there.
    tables: Vec<(String, String)>,
    /// What people wrote, by the key of its region.
    written: BTreeMap<String, String>,
}

impl World {
    fn new() -> Self {
        let project = Project::new();
        let tables = [("shop.customers", "DBT-101"), ("shop.orders", "DBT-102")];
        let tables = tables.map(|(name, id)| (name.to_owned(), id.to_owned())).to_vec();
        Self { project, migrations: 0, tables, written: BTreeMap::new() }
    }

    fn migrate(&mut self, sql: &str) {
        self.migrations += 1;
        self.project.write(&format!("ddl/{}_step.sql", 100 + self.migrations), sql);
    }

    fn generate(&self) {
        let opened = Opened::open(&self.project.path("canon.toml")).unwrap();
        let files = opened.generate(What { docs: true, ..What::default() }).unwrap();
        files.write(&opened.root).unwrap();
    }

    fn page_with(&self, key: &str) -> (String, String) {
        let begin = format!("<!-- canon:begin {key} -->\n");
        for entry in fs::read_dir(self.project.path("docs/shop")).unwrap() {
            let name = format!("docs/shop/{}", entry.unwrap().file_name().into_string().unwrap());
            let page = self.project.read(&name);
            if page.starts_with(&begin) || page.contains(&format!("\n{begin}")) {
                return (name, page);
            }
        }
        panic!("{key} is nowhere");
    }

    fn region(&self, key: &str) -> String {
        let (_, page) = self.page_with(key);
        // A text may quote the mark of another region; its own is the one that has the matching end.
        let (begin, end) = (format!("\n<!-- canon:begin {key} -->\n"), format!("<!-- canon:end {key} -->\n"));
        let stop = page.find(&end).unwrap();
        let start = page[..stop].rfind(&begin).unwrap() + begin.len();
        page[start..stop].to_owned()
    }

    fn apply(&mut self, step: Step) {
        let pick = |n: usize, tables: &[(String, String)]| (!tables.is_empty()).then(|| n % tables.len());
        let fresh = format!("n{}", self.migrations);
        match step {
            Step::Write(n, section, text) => {
                let Some(n) = pick(n, &self.tables) else { return };
                let key = format!("human {} {}", self.tables[n].1, SECTIONS[section]);
                let old = self.region(&key);
                let (name, page) = self.page_with(&key);
                let (begin, end) = (format!("<!-- canon:begin {key} -->\n"), format!("<!-- canon:end {key} -->\n"));
                self.project.write(&name, &page.replace(&format!("{begin}{old}{end}"), &format!("{begin}{text}{end}")));
                self.written.insert(key, text);
            }
            Step::Rename(n) => {
                let Some(n) = pick(n, &self.tables) else { return };
                let old = self.tables[n].0.clone();
                let schema = old.split('.').next().unwrap_or_default();
                self.tables[n].0 = format!("{schema}.{fresh}");
                self.migrate(&format!("ALTER TABLE {old} RENAME TO {fresh};"));
            }
            Step::Drop(n) => {
                let Some(n) = pick(n, &self.tables) else { return };
                let (name, _) = self.tables.remove(n);
                self.migrate(&format!("DROP TABLE {name} CASCADE;"));
            }
            Step::Create => {
                self.migrate(&format!("CREATE TABLE shop.{fresh} (only_{fresh} int);"));
                self.generate();
                let lock = self.project.read("canon.lock");
                let line = lock.lines().find(|l| l.starts_with(&format!("\"shop.{fresh}\" = "))).unwrap();
                let id = line.split('"').nth(3).unwrap().to_owned();
                assert!(self.tables.iter().all(|(_, other)| *other != id), "{id} is given twice");
                assert!(!self.written.keys().any(|key| key.contains(&id)), "{id} is given again");
                self.tables.push((format!("shop.{fresh}"), id));
            }
            Step::AddColumn(n) => {
                let Some(n) = pick(n, &self.tables) else { return };
                self.migrate(&format!("ALTER TABLE {} ADD c_{fresh} text;", self.tables[n].0.clone()));
            }
            Step::Pages(by_table) => {
                let pages = if by_table { "table" } else { "schema" };
                self.project.write("canon.toml", &format!("{}pages = \"{pages}\"\n", common::CONFIG));
            }
            Step::Schema(n) => {
                let Some(n) = pick(n, &self.tables) else { return };
                let old = self.tables[n].0.clone();
                let name = old.split('.').nth(1).unwrap_or_default();
                let (from, to) = if old.starts_with("shop.") { ("shop", "other") } else { ("other", "shop") };
                self.tables[n].0 = format!("{to}.{name}");
                self.migrate(&format!("CREATE SCHEMA IF NOT EXISTS other; ALTER TABLE {from}.{name} SET SCHEMA {to};"));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn text_of_people_survives_any_history(steps in prop::collection::vec(step(), 1..12)) {
        let mut world = World::new();
        world.generate();
        for step in steps {
            world.apply(step);
            world.generate();
            for (key, text) in &world.written {
                prop_assert_eq!(&world.region(key), text, "{}", key);
            }
            for (name, id) in &world.tables {
                let line = format!("\"{name}\" = \"{id}\"");
                prop_assert!(world.project.read("canon.lock").contains(&line), "{}", line);
            }
        }
    }
}
