//! The Source-of-Truth pages of a source: every table with an ID that never changes, and with what
//! people wrote about it.

mod category;
mod cross;
mod entry;
mod existing;
mod graph;
mod index;
mod indexes;
mod integrity;
mod layout;
mod queries;
mod render;
mod status;

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use canon_core::schema::QName;
use serde::Serialize;

pub use category::{Category, listed};
pub use existing::Existing;
pub use layout::Pages;

use self::entry::{Entry, Maker};
use self::existing::{Text, Texts, is_filled};
use self::layout::{INDEX, Layout};
use self::render::Renderer;
use crate::config::DocsConfig;
use crate::error::Error;
use crate::lock::{DocId, Lock, SourceLock};
use crate::measure::Measured;
use crate::project::{Project, ProjectSource};
use crate::references::{self, Document, Id};
use crate::regions::{Key, Kind, Owner};
use crate::write::{Files, MARKER};

/// What documents are made of, apart from the project itself.
#[derive(Debug)]
pub struct Material<'a> {
    /// The pages as they are.
    pub existing: &'a Existing,
    /// Documents that people keep, to which IDs are linked.
    pub documents: &'a [Document],
    /// New measurements; old ones stay on the page.
    pub measured: &'a Measured,
}

/// Emits the index of each source and, where they are apart, the pages of its tables.
pub fn emit(
    project: &Project,
    config: &DocsConfig,
    lock: &Lock,
    material: &Material<'_>,
    files: &mut Files,
) -> Result<(), Error> {
    files.own(&config.path, "md");
    let renderer = Renderer::new(&project.root, config.templates.as_deref())?;
    let definitions = references::definitions(material.documents, &config.prefixes);
    let mut folders = Vec::new();
    for source in &project.sources {
        let folder = config.path.join(&source.name);
        let empty = SourceLock::default();
        let book = Book {
            source,
            config,
            command: &project.config.command,
            lock: lock.source(&source.name).unwrap_or(&empty),
            folder: &folder,
            definitions: &definitions,
        };
        book.write(&renderer, material, files)?;
        folders.push(folder);
    }
    for machines in project.machines()? {
        let Some(source) = project.sources.iter().find(|s| s.name == machines.source) else { continue };
        let page = status::page(&machines, &index::source_line(source).title, &project.config.command);
        files.insert(config.path.join(&source.name).join(status::PAGE), page);
    }
    for (path, message) in material.existing.strays(&folders) {
        files.would_lose(path, message);
    }
    Ok(())
}

/// The pages of one source.
struct Book<'a> {
    source: &'a ProjectSource,
    config: &'a DocsConfig,
    command: &'a str,
    lock: &'a SourceLock,
    folder: &'a Path,
    definitions: &'a HashMap<(String, u32), (PathBuf, String)>,
}

#[derive(Serialize)]
struct PageContext<'a> {
    marker: &'static str,
    editing: &'static str,
    command: &'a str,
    source: &'a index::SourceLine,
    file: &'a str,
    title: &'a str,
    entries: &'a [Entry],
    index: Option<&'a index::Index>,
}

impl Book<'_> {
    fn write(&self, renderer: &Renderer, material: &Material<'_>, files: &mut Files) -> Result<(), Error> {
        let mut texts = material.existing.texts(self.folder, &self.source.name, Some(self.lock))?;
        let tables = self.tables();
        self.measure(material.measured, &tables, &mut texts);
        let layout = Layout::new(self.config.pages, &tables);
        let entries = self.entries(&layout);
        let source = index::source_line(self.source);
        let index = self.index(&layout, &tables, &entries, &texts);
        let mut entries: HashMap<DocId, Entry> = entries.into_iter().map(|e| (e.doc_id, e)).collect();
        let mut take = |ids: &[DocId]| ids.iter().filter_map(|id| entries.remove(id)).collect::<Vec<Entry>>();
        let mut new = Vec::new();
        let mut add = |file: &str, title: &str, template: &str, entries: &[Entry], index, texts: &mut Texts| {
            let (marker, editing) = (MARKER, existing::EDITING);
            let context =
                PageContext { marker, editing, command: self.command, source: &source, file, title, entries, index };
            let text = renderer.page(template, &context, texts)?;
            let path = self.folder.join(file);
            new.push((path, text));
            Ok::<_, Error>(())
        };
        add(INDEX, &source.title, "index.md", &take(&layout.on_index), Some(&index), &mut texts)?;
        for page in &layout.pages {
            add(&page.file, &page.title, "page.md", &take(&page.ids), None, &mut texts)?;
        }
        let edits = material.existing.edits(self.folder, &new);
        for (path, message) in edits.map_err(|error| Error::Internal(error.to_string()))? {
            files.would_lose(path, message);
        }
        new.into_iter().for_each(|(path, text)| files.insert(path, text));
        for (key, text) in texts.iter().filter(|(key, text)| key.is_human() && is_filled(&text.body)) {
            let message = format!(
                "line {}: the text of the region \"{key}\" has no place on the new pages; the template leaves it out",
                text.line
            );
            files.would_lose(&text.path, message);
        }
        Ok(())
    }

    /// Tables and views with an ID, in the order of these.
    fn tables(&self) -> Vec<(DocId, QName)> {
        let model = &self.source.loaded.model;
        let names = model.tables.iter().map(|t| &t.name).chain(model.views.iter().map(|v| &v.name));
        let with_id = names.filter_map(|name| Some((*self.lock.active.get(&name.to_string())?, name.clone())));
        let mut tables: Vec<(DocId, QName)> = with_id.collect();
        tables.sort();
        tables
    }

    fn entries(&self, layout: &Layout) -> Vec<Entry> {
        let maker = Maker::new(self.source, layout);
        let loaded = &self.source.loaded;
        let listed = listed(loaded, Some(&self.config.category));
        let category: HashMap<&str, Category> = listed.iter().map(|l| (l.name.as_str(), l.category)).collect();
        let of = |name: &QName| {
            let category = category.get(name.to_string().as_str()).copied().unwrap_or(Category::Feature);
            Some((layout.id(name)?, category))
        };
        let tables = loaded.model.tables.iter().filter_map(|t| of(&t.name).map(|(id, c)| maker.table(t, id, c)));
        let views = loaded.model.views.iter().filter_map(|v| of(&v.name).map(|(id, c)| maker.view(v, id, c)));
        let mut entries: Vec<Entry> = tables.chain(views).collect();
        entries.sort_by_key(|e| e.doc_id);
        entries
    }

    fn index(&self, layout: &Layout, tables: &[(DocId, QName)], entries: &[Entry], texts: &Texts) -> index::Index {
        let prefixes = &self.config.prefixes;
        let defined_at = |id: &Id| {
            let (path, anchor) = self.definitions.get(&(id.prefix.clone(), id.number))?;
            Some(format!("{}#{anchor}", relative(self.folder, path)))
        };
        let (cross, by_table) = cross::index(texts, tables, layout, INDEX, prefixes, &defined_at);
        let maker = Maker::new(self.source, layout);
        let deprecated = self.lock.retired.iter().map(|(id, name)| {
            let first = Key { owner: Owner::Table(*id), kind: Kind::Human, name: String::new() };
            let of_table = texts.range(first..).take_while(|(key, _)| key.owner == Owner::Table(*id));
            let regions =
                of_table.filter(|(key, text)| key.is_human() && key.name != "deprecation" && is_filled(&text.body));
            let regions = regions.map(|(key, _)| key.name.clone()).collect();
            index::deprecated(&maker, &self.source.loaded.history, *id, name, regions)
        });
        let deprecated = deprecated.collect();
        index::Index::new(self.source, layout, entries, cross, by_table, deprecated)
    }

    /// New measurements take the place of those on the page.
    fn measure(&self, measured: &Measured, tables: &[(DocId, QName)], texts: &mut Texts) {
        for (id, name) in tables {
            let mut set = |region: &str, body: Option<String>| {
                let Some(body) = body else { return };
                let key = Key { owner: Owner::Table(*id), kind: Kind::Measured, name: region.to_owned() };
                texts.insert(key, Text { body, path: PathBuf::new(), line: 0 });
            };
            set("size", measured.size(name));
            if let Some(past) = self.source.loaded.history.of(name) {
                let files = &self.source.loaded.model.files;
                let mut of_table: Vec<&str> = Vec::new();
                for event in &past.events {
                    let file = files.get(event.origin.file as usize).map_or("", String::as_str);
                    if !of_table.contains(&file) {
                        of_table.push(file);
                    }
                }
                set("commits", measured.commits(&of_table));
            }
        }
    }
}

/// A path as a link from a page in `folder`.
fn relative(folder: &Path, target: &Path) -> String {
    let names = |path: &Path| {
        let normal = |c: Component<'_>| match c {
            Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
            _ => None,
        };
        path.components().filter_map(normal).collect::<Vec<String>>()
    };
    let (from, to) = (names(folder), names(target));
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..".to_owned(), from.len() - shared);
    up.chain(to[shared..].iter().cloned()).collect::<Vec<_>>().join("/")
}
