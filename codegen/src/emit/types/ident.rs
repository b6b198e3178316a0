//! Rust names from database names.

use heck::{ToSnakeCase, ToUpperCamelCase};
use proc_macro2::{Ident, Span};

/// Words that cannot be names even with `r#`.
const UNRAWABLE: &[&str] = &["self", "super", "crate", "Self", "_"];

/// Names of the prelude that a type of ours must not hide.
const PRELUDE: &[&str] = &["Option", "Vec", "String", "Box", "Result", "Some", "None", "Ok", "Err", "Default", "Value"];

/// A field or module: snake case, raw where it is a keyword.
pub(super) fn field(name: &str) -> Ident {
    let mut snake = ascii(name).to_snake_case();
    if snake.is_empty() {
        "column".clone_into(&mut snake);
    }
    if snake.starts_with(|c: char| c.is_ascii_digit()) {
        snake.insert(0, '_');
    }
    if UNRAWABLE.contains(&snake.as_str()) {
        snake.push('_');
    }
    if syn::parse_str::<Ident>(&snake).is_ok() {
        Ident::new(&snake, Span::call_site())
    } else {
        Ident::new_raw(&snake, Span::call_site())
    }
}

/// The name of a module and its file.
pub(super) fn module(name: &str) -> String {
    let ident = field(name).to_string();
    // A file called `r#type.rs` would work and please nobody.
    match ident.strip_prefix("r#") {
        Some(keyword) => format!("{keyword}_"),
        None if ident == "mod" || ident == "runtime" => format!("{ident}_"),
        None => ident,
    }
}

/// A type: upper camel case.
pub(super) fn type_name(name: &str) -> Ident {
    let mut camel = ascii(name).to_upper_camel_case();
    if camel.is_empty() || camel.starts_with(|c: char| c.is_ascii_digit()) {
        camel.insert(0, 'T');
    }
    if UNRAWABLE.contains(&camel.as_str()) || PRELUDE.contains(&camel.as_str()) {
        camel.push('_');
    }
    Ident::new(&camel, Span::call_site())
}

/// Variants of an enum, one for each value, all different.
pub(super) fn variants(values: &[String]) -> Vec<Ident> {
    let mut used: Vec<String> = Vec::new();
    for value in values {
        let spelled = value.replace('+', " plus ").replace('-', " ").replace('%', " percent ");
        let mut name = ascii(&spelled).to_upper_camel_case();
        if name.is_empty() {
            "Empty".clone_into(&mut name);
        }
        if name.starts_with(|c: char| c.is_ascii_digit()) {
            name.insert(0, 'V');
        }
        if name == "Self" {
            name.push('_');
        }
        let mut unique = name.clone();
        let mut number = 2;
        while used.contains(&unique) {
            unique = format!("{name}{number}");
            number += 1;
        }
        used.push(unique);
    }
    used.iter().map(|name| Ident::new(name, Span::call_site())).collect()
}

/// Letters that Rust names may not hold become their code, so that no two names run together.
fn ascii(name: &str) -> String {
    name.chars()
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() || c == '_' => c.to_string(),
            c if c.is_alphabetic() => format!("_u{:x}_", u32::from(c)),
            _ => "_".to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_and_odd_names_become_names() {
        assert_eq!(field("type").to_string(), "r#type");
        assert_eq!(field("self").to_string(), "self_");
        assert_eq!(field("2fa").to_string(), "_2fa");
        assert_eq!(field("Strange Name!").to_string(), "strange_name");
        assert_eq!(module("type"), "type_");
        assert_eq!(type_name("user_2fa_settings").to_string(), "User2faSettings");
        assert_eq!(type_name("option").to_string(), "Option_");
    }

    #[test]
    fn variants_never_collide() {
        let values = ["a b", "a_b", "", "2fa_disabled", "C++", "C"].map(str::to_owned);
        let names: Vec<String> = variants(&values).iter().map(Ident::to_string).collect();
        assert_eq!(names, ["AB", "AB2", "Empty", "V2faDisabled", "CPlusPlus", "C"]);
    }
}
