//! Blank lines between items, of which prettyplease writes none.

/// `code` as prettyplease formats it, with a blank line between items and between methods.
pub(super) fn spaced(code: &str) -> String {
    let mut out = String::with_capacity(code.len() + code.len() / 20);
    let (mut previous, mut attribute) = ("", "");
    for line in code.lines() {
        if is_boundary(previous, line) {
            out.push('\n');
        }
        out.push_str(line);
        out.push('\n');
        if line.starts_with('#') {
            attribute = line;
        }
        // An attribute of several lines ends as it begins.
        previous = if line == ")]" { attribute } else { line };
    }
    out
}

fn is_boundary(previous: &str, line: &str) -> bool {
    let opens = |text: &str| !text.starts_with([' ', '}', ')', ']']) && !text.is_empty();
    if previous.starts_with("//!") || previous.starts_with("#![") {
        return !line.starts_with("//!") && !line.starts_with("#![") && opens(line);
    }
    let is_code = !previous.trim_start().starts_with(['/', '#']);
    if !is_code || !previous.ends_with(['}', ';']) {
        return false;
    }
    if opens(line) {
        return !previous.starts_with(' ') && (kind(previous).is_none() || kind(previous) != kind(line));
    }
    // Inside an implementation.
    let inner = |text: &str| text.strip_prefix("    ").is_some_and(opens) || text == "    }" || text == "    ];";
    let begins = ["    ///", "    #[", "    fn ", "    pub "];
    inner(previous) && begins.iter().any(|start| line.starts_with(start))
}

/// What several lines of are no paragraphs.
fn kind(line: &str) -> Option<&'static str> {
    let bare = line.strip_prefix("pub ").or_else(|| line.strip_prefix("pub(crate) ")).unwrap_or(line);
    ["use ", "mod ", "rt::"].into_iter().find(|kind| bare.starts_with(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_and_methods_stand_apart() {
        let code = "//! Table.\nuse super::rt;\n/// A;\n#[derive(\n    Clone,\n)]\npub struct A {\n    /// B.\n    pub b: i32,\n}\n\
                    rt::a!(A);\nrt::b!(A);\nimpl A {\n    const C: i32 = 1;\n    const D: i32 = 2;\n    fn e() {\n        \
                    f();\n    }\n    /// G.\n    fn g() {}\n}\npub struct H;\n";
        let expected = "//! Table.\n\nuse super::rt;\n\n/// A;\n#[derive(\n    Clone,\n)]\npub struct A {\n    /// B.\n    pub b: \
                        i32,\n}\n\nrt::a!(A);\nrt::b!(A);\n\nimpl A {\n    const C: i32 = 1;\n    const D: i32 = 2;\n\n    \
                        fn e() {\n        f();\n    }\n\n    /// G.\n    fn g() {}\n}\n\npub struct H;\n";
        assert_eq!(spaced(code), expected);
    }

    #[test]
    fn lists_of_modules_stay_together() {
        let code = "#![allow(\n    dead_code,\n)]\npub mod a;\npub mod b;\npub use a::A;\nmacro_rules! m {\n    () => {};\n}\n";
        let expected = "#![allow(\n    dead_code,\n)]\n\npub mod a;\npub mod b;\n\npub use a::A;\n\nmacro_rules! m {\n    () => {};\n}\n";
        assert_eq!(spaced(code), expected);
    }
}
