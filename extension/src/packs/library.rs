//! The packs that are compiled into the library.

use std::sync::OnceLock;

use canon_core::pack::{Audited, Manifest};
use include_dir::{Dir, include_dir};

use crate::error::{Error, Result};

static SCHEMA: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../schema");

/// The manifests, in the order of the pack names. Parsed on first use: half a megabyte of JSON
/// that most sessions never need.
pub(super) fn all() -> Result<&'static [Manifest]> {
    static PACKS: OnceLock<std::result::Result<Vec<Manifest>, String>> = OnceLock::new();
    match PACKS.get_or_init(read) {
        Ok(packs) => Ok(packs),
        Err(message) => Err(Error::Internal(message.clone())),
    }
}

fn read() -> std::result::Result<Vec<Manifest>, String> {
    let mut packs = Vec::new();
    for folder in SCHEMA.dirs() {
        let path = folder.path().join("manifest.json");
        let Some(text) = SCHEMA.get_file(&path).and_then(|f| f.contents_utf8()) else { continue };
        let manifest =
            serde_json::from_str(text).map_err(|error| format!("manifest {} is damaged: {error}", path.display()))?;
        packs.push(manifest);
    }
    packs.sort_by(|a: &Manifest, b| a.name.cmp(&b.name));
    Ok(packs)
}

/// The packs that a name means: one, or all.
pub(super) fn named(name: &str) -> Result<Vec<&'static Manifest>> {
    let packs = all()?;
    let found: Vec<&Manifest> = packs.iter().filter(|pack| name == "all" || pack.name == name).collect();
    if found.is_empty() {
        let known = packs.iter().map(|pack| pack.name.clone()).collect();
        return Err(Error::UnknownPack { name: name.to_owned(), known });
    }
    Ok(found)
}

/// The text of a file of a pack.
pub(super) fn text(pack: &Manifest, file: &str) -> Result<&'static str> {
    let text = SCHEMA.get_file(format!("{}/{file}", pack.name)).and_then(|f| f.contents_utf8());
    text.ok_or_else(|| Error::Internal(format!("pack \"{}\" lacks its file {file}", pack.name)))
}

/// What the audit ledger records of a pack from the start.
pub(super) fn audited(pack: &Manifest) -> Result<Audited> {
    let file = SCHEMA.get_file(format!("{}/audit.toml", pack.name)).and_then(|f| f.contents_utf8());
    let read = |text| {
        let wrong = |error| Error::Internal(format!("audit.toml of pack \"{}\" is damaged: {error}", pack.name));
        Audited::parse(text).map_err(wrong)
    };
    file.map_or_else(|| Ok(Audited::default()), read)
}

/// The status machines of a pack and the columns that they guard, where it has any.
pub(super) fn machines(pack: &Manifest) -> Option<&'static str> {
    SCHEMA.get_file(format!("{}/status.toml", pack.name)).and_then(|f| f.contents_utf8())
}
