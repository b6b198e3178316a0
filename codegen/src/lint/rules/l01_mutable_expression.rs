use super::super::context::{Context, column_name, column_origin, index_name};
use super::super::finding::{Draft, Findings};
use super::super::rule::{Check, Rule, Severity};
use super::super::volatility::culprit;
use super::page;

pub(in crate::lint) static RULE: Rule = Rule {
    code: "L1",
    name: "mutable-expression",
    summary: "An index or a generated column calls something that is not immutable.",
    severity: Severity::Error,
    page: page!("L1"),
    check: Check::Unit(check),
};

fn check(cx: &Context<'_>, out: &mut Findings<'_>) {
    for table in &cx.model.tables {
        for column in &table.columns {
            let Some(generated) = &column.generated else { continue };
            if let Some(culprit) = culprit(cx, table, &generated.expression) {
                let message = format!("the generation expression is not immutable: {culprit}");
                let draft = Draft::new(cx, column_name(table, column), column_origin(table, column), message);
                out.push(draft.help(
                    "compute in UTC with AT TIME ZONE, wrap the call in a function that really is IMMUTABLE, or set \
                     the column in a trigger",
                ));
            }
        }
        for index in &table.indexes {
            if let Some(culprit) = index.predicate.as_ref().and_then(|p| culprit(cx, table, p)) {
                let message = format!("the index predicate is not immutable: {culprit}");
                let draft = Draft::new(cx, index_name(table, index), index.origin.or(table.origin), message);
                out.push(draft.help("leave the condition out, or compare with a constant and rebuild the index"));
            }
            let expressions = index.keys.iter().filter_map(|k| k.expression.as_ref());
            if let Some(culprit) = expressions.filter_map(|e| culprit(cx, table, e)).next() {
                let message = format!("the index expression is not immutable: {culprit}");
                let draft = Draft::new(cx, index_name(table, index), index.origin.or(table.origin), message);
                out.push(draft.help("name the time zone or text search configuration, so that no setting decides"));
            }
        }
    }
}
