//! From contexts to pages: templates, what people wrote, checksums.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde_json::Value;
use tera::{Context, Kwargs, State, Tera};

use super::existing::Texts;
use crate::error::Error;
use crate::lock::DocId;
use crate::markdown;
use crate::regions::{Key, Kind, Marker, Owner, sum_line};
use crate::write::{MARKER, is_ours};

/// The templates, by the names under which a project can replace them.
const TEMPLATES: [(&str, &str); 4] = [
    ("index.md", include_str!("../../../templates/index.md")),
    ("page.md", include_str!("../../../templates/page.md")),
    ("entry.md", include_str!("../../../templates/entry.md")),
    ("deprecated.md", include_str!("../../../templates/deprecated.md")),
];

/// What regions show that nobody has filled, in this version's templates and in older ones.
pub(super) const DEFAULTS: &[&str] = &[
    "- **Owner**: not recorded",
    "- **Last Reviewed**: not recorded",
    "*Why it exists and what uses it is not recorded.*",
    "*No notes on its queries.*",
    "*No related IDs are recorded.*",
    "*Nothing beyond what holds for the whole schema.*",
    "*Not classified.*",
    "*No versions are recorded.*",
    "*No replacement or reason is recorded.*",
    "*Nothing is recorded.*",
];

/// What a template asks for in a line of its own.
#[derive(Clone, Debug)]
enum Request {
    Region(Key, String),
    Checkpoint,
}

/// Stands around a request in rendered text; no text of a model gets this far with one.
const MARK: char = '\u{1}';

/// How JSON spells it.
const MARK_IN_JSON: &[u8] = b"\\u0001";

/// The engine with all templates.
pub(super) struct Renderer {
    engine: Tera,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Renderer {
    /// Templates in `folder` take the place of the built-in ones of the same name.
    pub(super) fn new(root: &Path, folder: Option<&Path>) -> Result<Self, Error> {
        let mut engine = Tera::default();
        engine.autoescape_on(Vec::<&str>::new());
        let requests = Arc::new(Mutex::new(Vec::new()));
        register(&mut engine, &requests);
        let mut templates: Vec<(String, String)> =
            TEMPLATES.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        if let Some(folder) = folder {
            for (name, text) in read_templates(root, folder)? {
                templates.retain(|(n, _)| *n != name);
                templates.push((name, text));
            }
        }
        engine.add_raw_templates(templates).map_err(|error| template_error(&error))?;
        Ok(Self { engine, requests })
    }

    /// Renders a page. `texts` are taken out as they are placed.
    pub(super) fn page(&self, template: &str, context: &impl Serialize, texts: &mut Texts) -> Result<String, Error> {
        let context = scrubbed(context)?;
        self.lock().clear();
        let rendered = self.engine.render(template, &context).map_err(|error| template_error(&error))?;
        let fail = |message: String| Error::Template { name: template.to_owned(), message };
        let text = assemble(&tidy(&rendered), &self.lock(), texts).map_err(fail)?;
        if !is_ours(&text) {
            return Err(fail(format!("the first eight lines of the page must say {{{{ marker }}}} (\"{MARKER}\")")));
        }
        Ok(text)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Request>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Names that are no templates of ours can be included by those that are.
fn read_templates(root: &Path, folder: &Path) -> Result<Vec<(String, String)>, Error> {
    let absolute = root.join(folder);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&absolute).map_err(Error::io(&absolute))? {
        let path = entry.map_err(Error::io(&absolute))?.path();
        let Some(name) = path.file_name().and_then(|n| n.to_str()).filter(|n| n.ends_with(".md")) else { continue };
        let bytes = std::fs::read(&path).map_err(Error::io(&path))?;
        let text = crate::source::Source::from_bytes(path.display().to_string(), bytes)?.text;
        found.push((name.to_owned(), text));
    }
    found.sort();
    Ok(found)
}

fn register(engine: &mut Tera, requests: &Arc<Mutex<Vec<Request>>>) {
    engine.register_filter("text", |text: &str, _: Kwargs, _: &State| markdown::text(text));
    engine.register_filter("paragraphs", |text: &str, _: Kwargs, _: &State| markdown::paragraphs(text));
    engine.register_filter("code", |text: &str, _: Kwargs, _: &State| markdown::code(text));
    engine.register_filter("code_cell", |text: &str, _: Kwargs, _: &State| markdown::code_cell(text));
    engine.register_filter("quoted", |text: &str, _: Kwargs, _: &State| Value::from(text).to_string());
    engine.register_filter("block", |text: &str, kwargs: Kwargs, _: &State| {
        let language = kwargs.get::<String>("language")?.unwrap_or_default();
        Ok::<_, tera::Error>(markdown::block(text, &language))
    });
    for (function, kind) in [("human", Kind::Human), ("measured", Kind::Measured)] {
        let requests = Arc::clone(requests);
        engine.register_function(function, move |kwargs: Kwargs, _: &State| {
            let owner = owner(&kwargs.must_get::<String>("of")?)?;
            let name = kwargs.must_get::<String>("region")?;
            if !Key::is_name(&name) {
                return Err(tera::Error::message(format!("`{name}` is no name of a region: letters, digits, - and _")));
            }
            let text = kwargs.get::<String>("text")?.unwrap_or_default();
            Ok(ask(&requests, Request::Region(Key { owner, kind, name }, text)))
        });
    }
    let requests = Arc::clone(requests);
    engine.register_function("checkpoint", move |_: Kwargs, _: &State| {
        Ok::<_, tera::Error>(ask(&requests, Request::Checkpoint))
    });
}

fn owner(of: &str) -> Result<Owner, tera::Error> {
    match of {
        "source" => Ok(Owner::Source),
        id => DocId::try_from(id.to_owned()).map(Owner::Table).map_err(tera::Error::message),
    }
}

fn ask(requests: &Mutex<Vec<Request>>, request: Request) -> String {
    let mut requests = requests.lock().unwrap_or_else(PoisonError::into_inner);
    requests.push(request);
    format!("{MARK}{}{MARK}", requests.len() - 1)
}

/// Tera's own report names template, line and column.
fn template_error(error: &tera::Error) -> Error {
    let mut message = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        message.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    let message = message.strip_prefix("error: ").unwrap_or(&message).to_owned();
    Error::Template { name: "of the documents".to_owned(), message }
}

/// The context of a template, in which no text has the character that stands around requests.
fn scrubbed(context: &impl Serialize) -> Result<Context, Error> {
    let internal = |error: serde_json::Error| Error::Internal(error.to_string());
    // Hardly any text has it, and to look for it is cheaper than to take all texts apart.
    let text = serde_json::to_vec(context).map_err(internal)?;
    if memchr::memmem::find(&text, MARK_IN_JSON).is_none() {
        return Context::from_serialize(context).map_err(|error| template_error(&error));
    }
    let mut context = serde_json::to_value(context).map_err(internal)?;
    scrub(&mut context);
    Context::from_serialize(&context).map_err(|error| template_error(&error))
}

/// Takes the character that stands around requests out of all texts.
fn scrub(value: &mut Value) {
    match value {
        Value::String(text) if text.contains(MARK) => *text = text.replace(MARK, "\u{fffd}"),
        Value::Array(items) => items.iter_mut().for_each(scrub),
        Value::Object(fields) => fields.values_mut().for_each(scrub),
        _ => {}
    }
}

/// Templates leave blank lines behind: one in a row is enough, none at the end of a line. Code keeps
/// its own.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut blank = 0;
    let mut fence = markdown::Fence::default();
    for line in text.lines().map(str::trim_end) {
        let code = fence.is_code(line);
        blank = if line.is_empty() && !code { blank + 1 } else { 0 };
        if blank < 2 {
            out.push_str(line);
            out.push('\n');
        }
    }
    format!("{}\n", out.trim())
}

/// Puts regions and checksums where the template asked for them.
fn assemble(rendered: &str, requests: &[Request], texts: &mut Texts) -> Result<String, String> {
    let mut out = String::with_capacity(rendered.len() * 5 / 4);
    let mut generated = String::new();
    let mut placed: BTreeSet<Key> = BTreeSet::new();
    let mut left_out = false;
    for line in rendered.lines() {
        if std::mem::take(&mut left_out) && line.is_empty() {
            continue;
        }
        if !line.contains(MARK) {
            // What looks like a marker in a comment of the DDL must not become one.
            let harmless = Marker::of(line).map(|_| line.replacen("canon:", "canon :", 1));
            let line = harmless.as_deref().unwrap_or(line);
            for text in [&mut out, &mut generated] {
                text.push_str(line);
                text.push('\n');
            }
            continue;
        }
        let number = line.strip_prefix(MARK).and_then(|l| l.strip_suffix(MARK)).and_then(|n| n.parse::<usize>().ok());
        match number.and_then(|n| requests.get(n)) {
            Some(Request::Checkpoint) => close(&mut out, &mut generated),
            Some(Request::Region(key, default)) => {
                if !placed.insert(key.clone()) {
                    return Err(format!("the region \"{key}\" is placed twice"));
                }
                let body = match (texts.remove(key), key.kind) {
                    (Some(text), _) => text.body,
                    (None, Kind::Measured) => {
                        left_out = true;
                        continue;
                    }
                    (None, Kind::Human) if default.is_empty() => String::new(),
                    (None, Kind::Human) => format!("{default}\n"),
                };
                out.push_str(&format!("{}\n{body}{}\n", key.begin(), key.end()));
                generated.push_str(&format!("{}\n{}\n", key.begin(), key.end()));
            }
            None => return Err("human(), measured() and checkpoint() stand on a line of their own".to_owned()),
        }
    }
    close(&mut out, &mut generated);
    Ok(out)
}

fn close(out: &mut String, generated: &mut String) {
    if !generated.is_empty() {
        out.push_str(&sum_line(generated));
        out.push('\n');
        generated.clear();
    }
}
