use super::*;

fn page(text: &str) -> Page {
    Page::parse(Path::new("p.md"), text).unwrap()
}

fn refused(text: &str) -> String {
    Page::parse(Path::new("p.md"), text).unwrap_err().to_string()
}

fn with_sum(generated: &str) -> String {
    format!("{generated}{}\n", sum_line(generated))
}

const BEGIN: &str = "<!-- canon:begin human DBT-012 purpose -->\n";
const END: &str = "<!-- canon:end human DBT-012 purpose -->\n";

#[test]
fn what_people_wrote_is_taken_as_it_is() {
    for body in
        ["", "text\n", "\r\n\r\n", "```\n<!-- canon:end human DBT-013 purpose -->\n```\n", " \t\n\u{feff}\0\r\n"]
    {
        let page = page(&format!("a\n{BEGIN}{body}{END}b\n"));
        assert_eq!(page.regions.len(), 1);
        assert_eq!((page.regions[0].body.as_str(), page.regions[0].line), (body, 2));
        assert_eq!(page.stretches[0].text, format!("a\n{BEGIN}{END}b\n"));
    }
}

#[test]
fn only_generated_text_counts_in_the_sum() {
    let text = with_sum(&format!("a\n{BEGIN}{END}b\n")).replace(BEGIN, &format!("{BEGIN}by people\n"));
    assert!(page(&text).stretches[0].is_untouched());
    assert!(page(&text.replace('\n', "\r\n")).stretches[0].is_untouched(), "a checkout with CRLF");
    assert!(!page(&text.replace("a\n", "A\n")).stretches[0].is_untouched());
    let after = page(&format!("{text}more\n"));
    assert!(!after.stretches[1].is_untouched());
    assert_eq!(after.stretches[1].line, 7);
}

#[test]
fn stretches_have_sums_of_their_own() {
    let text = format!("{}{}", with_sum("a\n"), with_sum("b\n"));
    let edited = page(&text.replace("b\n", "c\n"));
    let untouched: Vec<bool> = edited.stretches.iter().map(Stretch::is_untouched).collect();
    assert_eq!(untouched, [true, false]);
    assert_eq!(edited.stretches[1].line, 3);
}

#[test]
fn markers_that_do_not_fit_are_refused_with_their_place() {
    let region = format!("{BEGIN}x\n{END}");
    for (text, expected) in [
        (
            format!("a\n{BEGIN}x\n"),
            "p.md:2: the region \"human DBT-012 purpose\" begins here and never ends: `<!-- \
          canon:end human DBT-012 purpose -->` is missing; nothing was written",
        ),
        (format!("a\n{END}"), "p.md:2: the region \"human DBT-012 purpose\" ends here but does not begin"),
        (format!("{region}{region}"), "p.md:4: the region \"human DBT-012 purpose\" is there already, at line 1"),
        (
            "<!-- canon:begin human DBT-012 -->\n".to_owned(),
            "p.md:1: `<!-- canon:begin human DBT-012 -->` is no marker",
        ),
        ("<!-- canon:begin humane DBT-012 a -->".to_owned(), "is no marker"),
        (" <!-- canon:begin human DBT-012 a -->".to_owned(), "is no marker"),
        ("<!--canon:begin human DBT-012 a -->".to_owned(), "is no marker"),
        ("<!-- canon:sum 1234 -->".to_owned(), "is no marker"),
        ("<!-- canon:begin human DBT-012 a".to_owned(), "is no marker"),
    ] {
        let found = refused(&text);
        assert!(found.contains(expected), "{text}: {found}");
    }
    assert_eq!(Marker::of("<!-- a comment -->"), None);
    assert_eq!(Marker::of("speaks of canon:begin"), None);
}
