use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::super::finding::{Draft, Findings};
use super::super::rule::{Check, Rule, Severity};
use super::super::set::Set;
use super::page;

pub(in crate::lint) static RULE: Rule = Rule {
    code: "L26",
    name: "name-collision",
    summary: "Two schemas have a table or view of the same name, so an unqualified name depends on search_path.",
    severity: Severity::Info,
    page: page!("L26"),
    check: Check::Set(check),
};

fn check(set: &Set<'_>, _: NaiveDate, out: &mut Findings<'_>) {
    let mut schemas: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for cx in &set.units {
        let tables = cx.model.tables.iter().filter(|t| t.partition_of.is_none()).map(|t| (&t.name, t.origin));
        for (name, origin) in tables.chain(cx.model.views.iter().map(|v| (&v.name, v.origin))) {
            let before = schemas.entry(&name.name).or_default();
            // The first one is no collision yet.
            if !before.is_empty() && !before.contains(&name.schema.as_str()) {
                let message = format!("{} is also the name of a relation in {}", name.name, before.join(", "));
                let draft = Draft::new(cx, format!("relation {name}"), origin, message);
                out.push(draft.help("write the schema wherever the name is used, or rename one of them"));
            }
            if !before.contains(&name.schema.as_str()) {
                before.push(&name.schema);
            }
        }
    }
}
