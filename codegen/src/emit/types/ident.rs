//! Rust names from database names.

use std::collections::HashSet;

use heck::{ToSnakeCase, ToUpperCamelCase};
use proc_macro2::{Ident, Span};

/// Words that Rust keeps for itself, of all editions up to 2024.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum",
    "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move",
    "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Words that cannot be names even with `r#`.
const UNRAWABLE: &[&str] = &["self", "super", "crate", "_"];

/// Names of the prelude, which a type of ours must not hide from the code around it.
const PRELUDE: &[&str] = &[
    "AsMut",
    "AsRef",
    "Box",
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "DoubleEndedIterator",
    "Drop",
    "Eq",
    "Err",
    "ExactSizeIterator",
    "Extend",
    "Fn",
    "FnMut",
    "FnOnce",
    "From",
    "FromIterator",
    "Future",
    "Hash",
    "Into",
    "IntoFuture",
    "IntoIterator",
    "Iterator",
    "None",
    "Ok",
    "Option",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Result",
    "Self",
    "Send",
    "Sized",
    "Some",
    "String",
    "Sync",
    "ToOwned",
    "ToString",
    "TryFrom",
    "TryInto",
    "Unpin",
    "Vec",
];

/// What a label made of nothing but signs is called.
const SIGNS: &[(char, &str)] = &[
    ('+', "plus"),
    ('-', "minus"),
    ('*', "star"),
    ('/', "slash"),
    ('%', "percent"),
    ('=', "equal"),
    ('<', "less"),
    ('>', "greater"),
    ('!', "not"),
    ('?', "question"),
    ('&', "and"),
    ('|', "or"),
    ('#', "hash"),
    ('@', "at"),
    ('$', "dollar"),
    ('~', "tilde"),
    ('^', "caret"),
    ('.', "dot"),
    (',', "comma"),
    (':', "colon"),
    (';', "semicolon"),
    (' ', "space"),
    ('_', "underscore"),
];

/// A field: snake case.
pub(super) fn field(name: &str) -> String {
    snake(name, "column")
}

/// A module and its file: snake case, and never a word that would need `r#` in a file name.
pub(super) fn module(name: &str) -> String {
    let snake = snake(name, "unnamed");
    if KEYWORDS.contains(&snake.as_str()) { format!("{snake}_") } else { snake }
}

/// A type: upper camel case.
pub(super) fn type_name(name: &str) -> String {
    let mut camel = ascii(name).to_upper_camel_case();
    if camel.is_empty() || camel.starts_with(|c: char| c.is_ascii_digit()) {
        camel.insert(0, 'T');
    }
    if PRELUDE.contains(&camel.as_str()) {
        camel.push('_');
    }
    camel
}

/// Variants of an enum, one for each label, all different.
pub(super) fn variants(labels: &[String]) -> Vec<Ident> {
    let names: Vec<(String, bool)> = labels.iter().map(|label| (variant(label), false)).collect();
    unique(&names, "").iter().map(|name| Ident::new(name, Span::call_site())).collect()
}

fn variant(label: &str) -> String {
    let spelled = label.replace('+', " plus ").replace('-', " ").replace('%', " percent ");
    let mut name = ascii(&spelled).to_upper_camel_case();
    if name.is_empty() {
        let signs: Vec<&str> =
            label.chars().filter_map(|c| SIGNS.iter().find(|(sign, _)| *sign == c).map(|(_, word)| *word)).collect();
        name = signs.join("_").to_upper_camel_case();
    }
    if name.is_empty() {
        "Empty".clone_into(&mut name);
    }
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, 'V');
    }
    if name == "Self" {
        name.push('_');
    }
    name
}

/// Fields of a struct, one for each column, all different. A column that is spelled as its field
/// keeps that name.
pub(super) fn fields<'a>(columns: impl Iterator<Item = &'a str>) -> Vec<Ident> {
    let names: Vec<(String, bool)> = columns.map(|column| (field(column), field(column) == column)).collect();
    unique(&names, "_").iter().map(|name| ident(name)).collect()
}

/// A name as an identifier, raw where it is a keyword.
pub(super) fn ident(name: &str) -> Ident {
    if KEYWORDS.contains(&name) { Ident::new_raw(name, Span::call_site()) } else { Ident::new(name, Span::call_site()) }
}

/// Numbers the second and later holders of a name; of those who want it, the one that it is said to
/// belong to is the first. Nobody loses a name that is its own to a number given to somebody else.
fn unique(preferred: &[(String, bool)], separator: &str) -> Vec<String> {
    let wanted: HashSet<&String> = preferred.iter().map(|(name, _)| name).collect();
    let mut order: Vec<usize> = (0..preferred.len()).collect();
    order.sort_by_key(|at| !preferred[*at].1);
    let mut used: HashSet<String> = HashSet::new();
    let mut names = vec![String::new(); preferred.len()];
    for at in order {
        let name = &preferred[at].0;
        let mut chosen = name.clone();
        let mut number = 2;
        while used.contains(&chosen) || (chosen != *name && wanted.contains(&chosen)) {
            chosen = format!("{}{separator}{number}", name.trim_end_matches('_'));
            number += 1;
        }
        used.insert(chosen.clone());
        names[at] = chosen;
    }
    names
}

fn snake(name: &str, empty: &str) -> String {
    let mut snake = ascii(name).to_snake_case();
    if snake.is_empty() {
        empty.clone_into(&mut snake);
    }
    if snake.starts_with(|c: char| c.is_ascii_digit()) {
        snake.insert(0, '_');
    }
    if UNRAWABLE.contains(&snake.as_str()) {
        snake.push('_');
    }
    snake
}

/// Letters of other scripts are written with Latin ones: file names of modules must be ASCII, and
/// Rust warns of names whose scripts can be mistaken for one another.
fn ascii(name: &str) -> String {
    let latin = deunicode::deunicode_with_tofu(name, "_");
    latin.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keywords_and_odd_names_become_names() {
        assert_eq!(ident(&field("type")).to_string(), "r#type");
        assert_eq!(ident(&field("gen")).to_string(), "r#gen");
        for (name, expected) in [
            ("self", "self_"),
            ("crate", "crate_"),
            ("2fa", "_2fa"),
            ("Strange Name!", "strange_name"),
            ("", "column"),
            ("!!", "column"),
            ("_", "column"),
            ("größe", "grosse"),
            ("日本", "ri_ben"),
            ("OrderID", "order_id"),
        ] {
            assert_eq!(field(name), expected, "{name}");
        }
        assert_eq!(module("type"), "type_");
        assert_eq!(module("mod"), "mod_");
    }

    #[test]
    fn types_never_hide_the_prelude() {
        assert_eq!(type_name("user_2fa_settings"), "User2faSettings");
        assert_eq!(type_name("option"), "Option_");
        assert_eq!(type_name("self"), "Self_");
        assert_eq!(type_name("STRING"), "String_");
        assert_eq!(type_name("2fa"), "T2fa");
        assert_eq!(type_name("--"), "T");
    }

    #[test]
    fn variants_never_collide() {
        let labels = ["a b", "a_b", "a_b_2", "", "2fa_disabled", "C++", "C", "<=", "<", "self"].map(str::to_owned);
        let names: Vec<String> = variants(&labels).iter().map(Ident::to_string).collect();
        assert_eq!(
            names,
            ["AB", "AB3", "AB2", "Empty", "V2faDisabled", "CPlusPlus", "C", "LessEqual", "Less", "Self_"]
        );
    }

    #[test]
    fn columns_that_fold_together_are_numbered() {
        let names: Vec<String> =
            fields(["a b", "a_b", "A_B", "a_b_2"].into_iter()).iter().map(Ident::to_string).collect();
        assert_eq!(names, ["a_b_3", "a_b", "a_b_4", "a_b_2"]);
    }

    proptest! {
        /// Whatever the database calls it, Rust reads it, and no two are the same.
        #[test]
        fn every_name_is_a_name(names in proptest::collection::vec(any::<String>(), 0..8)) {
            let fields: Vec<String> = fields(names.iter().map(String::as_str)).iter().map(Ident::to_string).collect();
            let variants: Vec<String> = variants(&names).iter().map(Ident::to_string).collect();
            let types = names.iter().map(|name| type_name(name));
            for name in fields.iter().chain(&variants).cloned().chain(types) {
                prop_assert!(syn::parse_str::<Ident>(&name).is_ok() || name.starts_with("r#"), "{name}");
            }
            prop_assert_eq!(fields.iter().collect::<HashSet<_>>().len(), names.len());
            prop_assert_eq!(variants.iter().collect::<HashSet<_>>().len(), names.len());
        }
    }
}
