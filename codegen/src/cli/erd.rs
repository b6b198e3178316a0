//! `canon erd`.

use std::path::{Path, PathBuf};

use canon_codegen::emit::erd::{Columns, Diagram, Graph};
use canon_codegen::error::Error;
use canon_codegen::model::{Model, QName, quote_ident};
use canon_codegen::write::{Files, MARKER};
use clap::{Args, ValueEnum};

use super::input::{InputArgs, Read};
use super::{Outcome, Verdict};

#[derive(Args)]
#[command(after_help = "\
Examples:
  canon erd schema/ > erd.mmd
  canon erd schema/ --table shop.orders --depth 2 --format svg --output orders.svg
  canon erd schema/ --format dot | dot -Tpdf > erd.pdf

Partitions are left out: they hold the rows of a table that is drawn.")]
pub(super) struct ErdArgs {
    #[command(flatten)]
    input: InputArgs,
    /// Only this table and its neighbours; may be repeated
    #[arg(long = "table", value_name = "NAME")]
    tables: Vec<String>,
    /// How many foreign keys the neighbours may be away
    #[arg(long, value_name = "N", default_value_t = 1, requires = "tables")]
    depth: usize,
    /// Notation; from the name of --output where it is not given, or mermaid
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Columns to draw
    #[arg(long, value_enum, default_value_t)]
    columns: Shown,
    /// File to write; standard output where it is not given
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Mermaid, which GitHub and GitLab draw in Markdown
    Mermaid,
    /// Graphviz
    Dot,
    /// A drawing that needs nothing else
    Svg,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Shown {
    /// Every column
    All,
    /// Columns of primary and foreign keys
    #[default]
    Keys,
    /// Names of tables alone
    None,
}

impl ErdArgs {
    fn format(&self) -> Format {
        let extension = self.output.as_ref().and_then(|path| path.extension()).and_then(|e| e.to_str());
        self.format.unwrap_or(match extension {
            Some("svg") => Format::Svg,
            Some("dot" | "gv") => Format::Dot,
            _ => Format::Mermaid,
        })
    }
}

pub(super) fn erd(args: &ErdArgs) -> Outcome {
    let Read { loaded, verdict } = args.input.load()?;
    let columns = match args.columns {
        Shown::All => Columns::All,
        Shown::Keys => Columns::Keys,
        Shown::None => Columns::None,
    };
    let graph = Graph::new(&loaded.model);
    let diagram = if args.tables.is_empty() {
        graph.whole(columns)
    } else {
        let focus = args.tables.iter().map(|name| find(&loaded.model, name)).collect::<Result<Vec<_>, _>>()?;
        graph.around(&focus, args.depth, columns)
    };
    let text = draw(&diagram, args.format());
    let Some(path) = &args.output else { return Ok((text, verdict)) };
    if verdict != Verdict::Good {
        return Err(Error::Ddl(loaded.errors()));
    }
    // A file says who wrote it, so that the next run may write it again.
    let text = match args.format() {
        Format::Mermaid => format!("%% {MARKER}.\n{text}"),
        Format::Dot => format!("// {MARKER}.\n{text}"),
        Format::Svg => format!("<!-- {MARKER}. -->\n{text}"),
    };
    let mut files = Files::default();
    files.insert(path, text);
    files.write(Path::new("."))?;
    Ok((String::new(), verdict))
}

fn draw(diagram: &Diagram, format: Format) -> String {
    match format {
        Format::Mermaid => diagram.mermaid() + "\n",
        Format::Dot => diagram.dot(),
        Format::Svg => diagram.svg(),
    }
}

/// The table of that name: with its schema, or without where only one table has it.
fn find<'m>(model: &'m Model, name: &str) -> Result<&'m QName, Error> {
    let spelled = |q: &QName| {
        let plain = [format!("{}.{}", q.schema, q.name), q.name.clone(), quote_ident(&q.name), q.to_string()];
        plain.iter().any(|p| p == name)
    };
    let full = |q: &&QName| q.to_string() == name || format!("{}.{}", q.schema, q.name) == name;
    let found: Vec<&QName> = model.tables.iter().map(|table| &table.name).filter(|q| spelled(q)).collect();
    match found.as_slice() {
        [only] => Ok(only),
        [] => Err(Error::Usage(format!("--table {name}: there is no such table"))),
        several => several.iter().copied().find(full).ok_or_else(|| {
            let names: Vec<String> = several.iter().map(ToString::to_string).collect();
            Error::Usage(format!("--table {name}: which one of {}?", names.join(", ")))
        }),
    }
}
