//! Pages that two hands write: what is generated, and the regions in between that belong to people.
//!
//! ```text
//! <!-- canon:begin human DBT-012 purpose -->
//! What is here survives every regeneration, byte for byte.
//! <!-- canon:end human DBT-012 purpose -->
//! ```
//!
//! A region goes by its key, not by its place: it follows its table through renames, reorderings
//! and from page to page. Each stretch of generated text ends in a line with its checksum,
//! `<!-- canon:sum ... -->`, so that an edit outside the regions is noticed before it is lost. The
//! checksum is of the text as it was written, so a newer version of the tool, which would write
//! another text, does not take an old page for an edited one.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::error::Error;
use crate::lock::DocId;

/// Who fills a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// People.
    Human,
    /// A measurement, of a live database or of git, that is kept until the next one.
    Measured,
}

/// What a region is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// The source as a whole.
    Source,
    /// A table or view.
    Table(DocId),
}

/// What a region goes by; unique within the pages of a source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Whose it is.
    pub owner: Owner,
    /// Who fills it.
    pub kind: Kind,
    /// Its name: letters, digits, `_` and `-`.
    pub name: String,
}

impl Key {
    /// Whether people fill it.
    pub fn is_human(&self) -> bool {
        self.kind == Kind::Human
    }

    /// Whether `name` can stand in a marker.
    pub fn is_name(name: &str) -> bool {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
    }

    /// The line before the region.
    pub fn begin(&self) -> String {
        format!("<!-- canon:begin {self} -->")
    }

    /// The line after it.
    pub fn end(&self) -> String {
        format!("<!-- canon:end {self} -->")
    }

    fn parse(words: &[&str]) -> Option<Self> {
        let [kind, owner, name] = words else { return None };
        let kind = match *kind {
            "human" => Kind::Human,
            "measured" => Kind::Measured,
            _ => return None,
        };
        let owner = match *owner {
            "source" => Owner::Source,
            id => Owner::Table(DocId::try_from(id.to_owned()).ok()?),
        };
        Self::is_name(name).then(|| Self { owner, kind, name: (*name).to_owned() })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Human => "human",
            Kind::Measured => "measured",
        };
        match self.owner {
            Owner::Source => write!(f, "{kind} source {}", self.name),
            Owner::Table(id) => write!(f, "{kind} {id} {}", self.name),
        }
    }
}

/// What a line with a marker says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Marker {
    /// A region begins.
    Begin(Key),
    /// It ends.
    End(Key),
    /// Checksum of the generated text since the last such line.
    Sum(String),
    /// Something that was meant as one.
    Malformed,
}

impl Marker {
    /// The marker that a line is, if it is one.
    pub fn of(line: &str) -> Option<Self> {
        let trimmed = line.trim();
        let inner = trimmed.strip_prefix("<!--")?;
        let words = inner.trim_start().strip_prefix("canon:")?;
        let exact = line.starts_with("<!-- canon:").then(|| words.trim_end().strip_suffix(" -->")).flatten();
        let words: Vec<&str> = exact.unwrap_or_default().split(' ').collect();
        Some(match words.as_slice() {
            ["begin", key @ ..] => Key::parse(key).map_or(Self::Malformed, Self::Begin),
            ["end", key @ ..] => Key::parse(key).map_or(Self::Malformed, Self::End),
            ["sum", sum] if sum.len() == SUM_LENGTH && sum.bytes().all(|b| b.is_ascii_hexdigit()) => {
                Self::Sum((*sum).to_owned())
            }
            _ => Self::Malformed,
        })
    }
}

/// Digits of a checksum: 64 bits notice what happens by accident or in a hurry.
const SUM_LENGTH: usize = 16;

/// The line with the checksum of `generated`.
pub fn sum_line(generated: &str) -> String {
    format!("<!-- canon:sum {} -->", sum(generated))
}

/// Line ends are those of the checkout, not of the text.
fn sum(generated: &str) -> String {
    let digest = Sha256::digest(generated.replace("\r\n", "\n").trim_start_matches('\u{feff}').as_bytes());
    digest.iter().take(SUM_LENGTH / 2).map(|byte| format!("{byte:02x}")).collect()
}

/// A region as found on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// What it goes by.
    pub key: Key,
    /// Everything between its two lines.
    pub body: String,
    /// Line of its beginning.
    pub line: usize,
}

/// Generated text up to a checksum; of regions only the lines around them are part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The text.
    pub text: String,
    /// Its first line.
    pub line: usize,
    /// The checksum it had when it was written; None for text after the last one.
    pub sum: Option<String>,
}

impl Stretch {
    /// Whether it is as it was written.
    pub fn is_untouched(&self) -> bool {
        self.sum.as_ref().is_some_and(|s| *s == sum(&self.text))
    }
}

/// A page taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Its path, relative to the project's root.
    pub path: PathBuf,
    /// Its regions, in the order of the page.
    pub regions: Vec<Region>,
    /// Its generated text, in the order of the page.
    pub stretches: Vec<Stretch>,
}

impl Page {
    /// Takes a page apart. A marker that cannot be understood is an error that names its line:
    /// whatever it was meant to keep is not put at risk.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Error> {
        let mut page = Self { path: path.to_owned(), ..Self::default() };
        let mut lines: HashMap<Key, usize> = HashMap::new();
        let mut open: Option<(Key, usize)> = None;
        let mut body = String::new();
        let mut generated = String::new();
        let mut first = 1;
        for (number, line) in text.split_inclusive('\n').enumerate().map(|(n, line)| (n + 1, line)) {
            let fail = |message: String| Error::Marker { path: path.to_owned(), line: number, message };
            let marker = Marker::of(line);
            match (&open, marker) {
                (Some((key, line_of_key)), Some(Marker::End(end))) if *key == end => {
                    let region = Region { key: end, body: std::mem::take(&mut body), line: *line_of_key };
                    page.regions.push(region);
                    open = None;
                    generated.push_str(line);
                }
                (Some(_), _) => body.push_str(line),
                (None, Some(Marker::Begin(key))) => {
                    if let Some(line) = lines.insert(key.clone(), number) {
                        return Err(fail(format!("the region \"{key}\" is there already, at line {line}")));
                    }
                    generated.push_str(line);
                    open = Some((key, number));
                }
                (None, Some(Marker::End(key))) => {
                    return Err(fail(format!("the region \"{key}\" ends here but does not begin: `{}`", key.begin())));
                }
                (None, Some(Marker::Malformed)) => {
                    let form = "<!-- canon:begin human DBT-001 purpose -->";
                    let message =
                        format!("`{}` is no marker; at the beginning of a line, one reads `{form}`", line.trim());
                    return Err(fail(message));
                }
                (None, Some(Marker::Sum(sum))) => {
                    let text = std::mem::take(&mut generated);
                    page.stretches.push(Stretch { text, line: first, sum: Some(sum) });
                    first = number + 1;
                }
                (None, None) => generated.push_str(line),
            }
        }
        if let Some((key, line)) = open {
            let message = format!("the region \"{key}\" begins here and never ends: `{}` is missing", key.end());
            return Err(Error::Marker { path: path.to_owned(), line, message });
        }
        if !generated.trim().is_empty() {
            page.stretches.push(Stretch { text: generated, line: first, sum: None });
        }
        Ok(page)
    }

    /// Pages from before there were regions have neither these nor checksums.
    pub fn is_plain(&self) -> bool {
        self.regions.is_empty() && self.stretches.iter().all(|s| s.sum.is_none())
    }
}

#[cfg(test)]
mod tests;
