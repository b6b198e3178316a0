//! Finds and reads the files of a source.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use aho_corasick::{AhoCorasick, MatchKind};

use crate::error::Error;
use crate::source::Source;

/// Reads files and folders in order; `-` is standard input. Names in messages are relative to `root`.
pub fn read(root: &Path, paths: &[PathBuf], substitute: &BTreeMap<String, String>) -> Result<Vec<Source>, Error> {
    let template = Template::new(substitute)?;
    let mut sources = Vec::new();
    for path in paths {
        if path == Path::new("-") {
            let mut bytes = Vec::new();
            std::io::stdin().read_to_end(&mut bytes).map_err(Error::io("<stdin>"))?;
            sources.push(template.fill(Source::from_bytes("<stdin>", bytes)?));
            continue;
        }
        let path = root.join(path);
        let mut files = Vec::new();
        if path.is_dir() {
            collect(&path, &mut files)?
        } else {
            files.push(path)
        }
        for file in files {
            let bytes = std::fs::read(&file).map_err(Error::io(&file))?;
            let name = file.strip_prefix(root).unwrap_or(&file).display().to_string();
            sources.push(template.fill(Source::from_bytes(name, bytes)?));
        }
    }
    Ok(sources)
}

/// Placeholders and what to put in their place.
struct Template {
    placeholders: Option<AhoCorasick>,
    values: Vec<String>,
}

impl Template {
    fn new(substitute: &BTreeMap<String, String>) -> Result<Self, Error> {
        if substitute.contains_key("") {
            return Err(Error::Usage("a placeholder of `substitute` is empty".to_owned()));
        }
        let (patterns, values): (Vec<String>, Vec<String>) = substitute
            .iter()
            .flat_map(|(placeholder, value)| spellings(placeholder).into_iter().map(|p| (p, value.clone())))
            .unzip();
        let build = || AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&patterns);
        let placeholders = if substitute.is_empty() {
            None
        } else {
            Some(build().map_err(|error| Error::Usage(format!("substitute: {error}")))?)
        };
        Ok(Self { placeholders, values })
    }

    /// In one pass: what was put in is not looked at again, and of two placeholders that begin
    /// alike the longer one counts.
    fn fill(&self, source: Source) -> Source {
        match &self.placeholders {
            Some(placeholders) if placeholders.is_match(&source.text) => {
                Source::new(source.name, placeholders.replace_all(&source.text, &self.values))
            }
            _ => source,
        }
    }
}

/// Blanks just inside of `{{ }}` mean nothing to any template engine.
fn spellings(placeholder: &str) -> Vec<String> {
    match placeholder.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")) {
        Some(inside) => {
            let inside = inside.trim();
            vec![
                format!("{{{{{inside}}}}}"),
                format!("{{{{ {inside} }}}}"),
                format!("{{{{ {inside}}}}}"),
                format!("{{{{{inside} }}}}"),
            ]
        }
        None => vec![placeholder.to_owned()],
    }
}

/// The `.sql` files below a folder, in natural order of their paths: `V2` before `V10`. Undo
/// scripts of migration tools (`.down.sql`, Flyway's `U1__`) are left out.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(Error::io(folder))? {
        entries.push(entry.map_err(Error::io(folder))?.path());
    }
    entries.sort_by(|a, b| natural(&file_name(a), &file_name(b)));
    for path in entries {
        let name = file_name(&path);
        if path.is_dir() {
            collect(&path, files)?;
        } else if name.ends_with(".sql") && !is_undo(&name) {
            files.push(path);
        }
    }
    Ok(())
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn is_undo(name: &str) -> bool {
    let flyway = name
        .strip_prefix('U')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()) && rest.contains("__"));
    name.ends_with(".down.sql") || flyway
}

/// Compares runs of digits as numbers.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut x, mut y) = (a, b);
    loop {
        let (digits_x, digits_y) = (digits(x), digits(y));
        if digits_x > 0 && digits_y > 0 {
            let (p, q) = (x[..digits_x].trim_start_matches('0'), y[..digits_y].trim_start_matches('0'));
            let order = p.len().cmp(&q.len()).then_with(|| p.cmp(q));
            if order != Ordering::Equal {
                return order;
            }
            (x, y) = (&x[digits_x..], &y[digits_y..]);
            continue;
        }
        match (x.chars().next(), y.chars().next()) {
            (Some(p), Some(q)) if p == q => (x, y) = (&x[p.len_utf8()..], &y[q.len_utf8()..]),
            (p, q) => return p.cmp(&q).then_with(|| a.cmp(b)),
        }
    }
}

fn digits(text: &str) -> usize {
    text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_count_as_numbers() {
        let mut names = ["V10__b.sql", "V2__a.sql", "V1__z.sql", "20_x.sql", "5_y.sql"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["5_y.sql", "20_x.sql", "V1__z.sql", "V2__a.sql", "V10__b.sql"]);
    }

    #[test]
    fn placeholders_are_filled_once_and_whole() {
        let substitute = [(":schema", "a:schema_name"), (":schema_name", "b"), ("{{x}}", "\n")];
        let substitute = substitute.map(|(p, v)| (p.to_owned(), v.to_owned())).into();
        let template = Template::new(&substitute).unwrap();
        let filled = template.fill(Source::new("t.sql", ":schema_name :schema {{x}} :sch"));
        assert_eq!(filled.text, "b a:schema_name \n :sch");
        assert!(Template::new(&[(String::new(), String::new())].into()).is_err());
    }

    #[test]
    fn blanks_inside_of_braces_mean_nothing() {
        let fill = BTreeMap::from([("{{index .Options \"Namespace\"}}".to_owned(), "auth".to_owned())]);
        let template = Template::new(&fill).unwrap();
        let text = "{{ index .Options \"Namespace\" }}.a {{index .Options \"Namespace\" }}.b {{other}}";
        assert_eq!(template.fill(Source::new("x.sql", text)).text, "auth.a auth.b {{other}}");
    }

    #[test]
    fn undo_scripts_are_left_out() {
        assert!(is_undo("0001_init.down.sql") && is_undo("U1__init.sql"));
        assert!(!is_undo("0001_init.up.sql") && !is_undo("Users.sql"));
    }
}
