//! The pages as they are on disk: what people wrote there, and whether they wrote elsewhere too.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::lock::{DocId, SourceLock};
use crate::references::markdown_files;
use crate::regions::Key;
use crate::regions::{Kind, Owner, Page, Region};
use crate::source::Source;
use crate::write::{diff, is_ours};

/// A line of the front matter that pages without regions did not have.
pub(super) const EDITING: &str = "editing: only between the markers of human regions";

/// Pages below the folder of documents that this tool wrote.
#[derive(Debug, Default)]
pub struct Existing {
    pages: Vec<OldPage>,
}

#[derive(Debug)]
struct OldPage {
    page: Page,
    /// Written before there were regions: it has nothing to lose.
    is_plain: bool,
}

/// A text that people wrote, and its place.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) body: String,
    pub(super) path: PathBuf,
    pub(super) line: usize,
}

/// Regions of a source.
pub(super) type Texts = BTreeMap<Key, Text>;

impl Existing {
    /// Reads the pages below `folder`.
    pub fn read(root: &Path, folder: &Path) -> Result<Self, Error> {
        let mut pages = Vec::new();
        for path in markdown_files(root, folder)? {
            let bytes = std::fs::read(root.join(&path)).map_err(Error::io(root.join(&path)))?;
            let marked = is_ours(&String::from_utf8_lossy(&bytes[..bytes.len().min(HEAD)]));
            if !marked {
                continue;
            }
            // Bytes that are no text are refused, not replaced.
            Source::from_bytes(path.display().to_string(), bytes.clone())?;
            let text = String::from_utf8_lossy(&bytes);
            let page = Page::parse(&path, &text)?;
            let is_plain = page.is_plain() && !text.contains(EDITING);
            pages.push(OldPage { page, is_plain });
        }
        Ok(Self { pages })
    }

    /// What people wrote and what was measured on the pages of a source.
    pub(super) fn texts(&self, folder: &Path, source: &str, lock: Option<&SourceLock>) -> Result<Texts, Error> {
        let mut texts = Texts::new();
        let ids: HashSet<DocId> =
            lock.iter().flat_map(|l| l.retired.keys().chain(l.active.values())).copied().collect();
        for OldPage { page, .. } in self.pages.iter().filter(|p| p.page.path.starts_with(folder)) {
            for region in &page.regions {
                let fail = |message: String| Error::Marker { path: page.path.clone(), line: region.line, message };
                if let (Owner::Table(id), Kind::Human) = (region.key.owner, region.key.kind)
                    && !ids.contains(&id)
                    && is_filled(&region.body)
                {
                    let message = format!(
                        "{id} is no ID of the source {source}; move the text to a region of another table, or remove \
                         the region"
                    );
                    return Err(fail(message));
                }
                let text = Text { body: region.body.clone(), path: page.path.clone(), line: region.line };
                match texts.get(&region.key) {
                    // A run that was killed may leave a text in its old and its new place.
                    Some(other) if other.body == region.body || !is_filled(&region.body) => {}
                    Some(other) if is_filled(&other.body) => {
                        let place = format!("{}:{}", other.path.display(), other.line);
                        let message = format!("the region \"{}\" is also at {place}, with another text", region.key);
                        return Err(fail(format!("{message}; keep one of them")));
                    }
                    _ => {
                        texts.insert(region.key.clone(), text);
                    }
                }
            }
        }
        Ok(texts)
    }

    /// Edits of generated text on the pages of a source that are not in the `new` pages either.
    ///
    /// # Errors
    ///
    /// When a new page does not read.
    pub(super) fn edits(&self, folder: &Path, new: &[(PathBuf, String)]) -> Result<Vec<(PathBuf, String)>, Error> {
        let mut found = Vec::new();
        // Taken apart only where there is an edit to look for.
        let mut pages: Option<Vec<Page>> = None;
        for OldPage { page, is_plain } in self.pages.iter().filter(|p| p.page.path.starts_with(folder)) {
            if *is_plain {
                continue;
            }
            for (n, stretch) in page.stretches.iter().enumerate().filter(|(_, s)| !s.is_untouched()) {
                let new = match &mut pages {
                    Some(pages) => pages,
                    None => {
                        pages.insert(new.iter().map(|(path, text)| Page::parse(path, text)).collect::<Result<_, _>>()?)
                    }
                };
                let old = stretch.text.replace("\r\n", "\n");
                let mut all = new.iter().flat_map(|p| &p.stretches);
                if all.clone().any(|s| s.text == old) {
                    continue;
                }
                let heading = |text: &str| text.lines().find(|l| l.starts_with('#')).map(str::to_owned);
                let same_heading = all.find(|s| heading(&s.text).is_some() && heading(&s.text) == heading(&old));
                let same_place = new.iter().find(|p| p.path == page.path).and_then(|p| p.stretches.get(n));
                let now = same_heading.or(same_place).map_or("", |s| s.text.as_str());
                let message = format!(
                    "line {}: generated text was edited by hand; in the difference, - is what would be lost\n{}",
                    stretch.line,
                    diff(&old, now)
                );
                found.push((page.path.clone(), message));
            }
        }
        Ok(found)
    }

    /// Texts on pages that belong to none of the `folders`: of a source that is gone.
    pub(super) fn strays(&self, folders: &[PathBuf]) -> Vec<(PathBuf, String)> {
        let stray = self.pages.iter().filter(|p| !folders.iter().any(|f| p.page.path.starts_with(f)));
        let filled = |r: &&Region| r.key.is_human() && is_filled(&r.body);
        let first = stray.filter_map(|p| Some((&p.page.path, p.page.regions.iter().find(filled)?)));
        first
            .map(|(path, region)| {
                let message = format!(
                    "line {}: people wrote here, and no source of the configuration writes this page",
                    region.line
                );
                (path.clone(), message)
            })
            .collect()
    }
}

/// Bytes in which the first lines of a page certainly are.
const HEAD: usize = 4096;

/// Whether there is more than what an empty region shows.
pub(super) fn is_filled(body: &str) -> bool {
    let lines = body.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.clone().count() > 0 && !lines.clone().all(|line| super::render::DEFAULTS.contains(&line))
}
