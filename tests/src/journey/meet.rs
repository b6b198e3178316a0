//! Values that meet a check, guessed from its text.

use canon_codegen::model::{Column, Constraint, Model, QName, Table};

use super::rows::quoted;
use super::session::Refusal;
use super::stored;

/// What meets many a check whose text does not say what does.
const OTHERS: &[&str] = &["'ab1'", "'1970-06-01'", "'2999-06-01'", "NULL"];

/// Columns of [`stored`], by position, that the violated check is about, and literals to try there.
pub(super) fn candidates(model: &Model, table: &Table, refusal: &Refusal) -> (Vec<usize>, Vec<String>) {
    let Some((text, columns)) = violated(model, table, refusal) else { return Default::default() };
    let places = stored(table).enumerate().filter(|(_, column)| columns.contains(&column.name));
    let literals = text.split('\'').skip(1).step_by(2);
    let mut values: Vec<String> = literals.map(|text| quoted(&text.replace('%', "a"))).collect();
    for number in words(&text).filter_map(|word| word.parse::<i64>().ok()) {
        values.extend([number, number + 1, number - 1].map(|n| quoted(&n.to_string())));
    }
    values.extend(OTHERS.iter().map(|text| (*text).to_owned()));
    (places.map(|(at, _)| at).collect(), values)
}

/// The text of the check, of a table or of a domain, and the columns of the table that it is about.
fn violated(model: &Model, table: &Table, refusal: &Refusal) -> Option<(String, Vec<String>)> {
    let name = refusal.constraint.as_deref()?;
    let text = |checks: &[Constraint]| checks.iter().find(|c| c.name == name)?.expression.clone();
    let schema = refusal.schema.as_deref()?;
    let about: Box<dyn Fn(&Column) -> bool>;
    let text = if let Some(of) = &refusal.table {
        let text = text(&model.table(&QName::new(schema, &**of))?.constraints)?;
        let words: Vec<String> = words(&text).map(str::to_lowercase).collect();
        about = Box::new(move |column| words.contains(&column.name.to_lowercase()));
        text
    } else {
        let name = QName::new(schema, refusal.datatype.as_deref()?);
        let text = text(&model.domains.iter().find(|domain| domain.name == name)?.checks)?;
        about = Box::new(move |column| column.ty == name.to_string());
        text
    };
    Some((text, table.columns.iter().filter(|c| about(c)).map(|c| c.name.clone()).collect()))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}
