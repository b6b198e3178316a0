//! SVG, drawn here: no program and no font has to be installed, and the file needs nothing else.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use super::layout::{Line, Point, layout};
use super::{Attribute, Diagram, Entity, Relation};

/// Height of a line of text.
const ROW: f64 = 20.0;

/// Height of the name above the columns.
const HEADER: f64 = 26.0;

/// Width of a character of the monospaced font.
const CHAR: f64 = 7.3;

/// Space left and right of text.
const PADDING: f64 = 10.0;

/// Space around the drawing.
const MARGIN: f64 = 20.0;

/// Characters of a name before it is cut; the whole name is in the tooltip.
const MAX_CHARS: usize = 48;

const STYLE: &str = "text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#1f2328}\
    .name{font-weight:bold}.type{fill:#59636e}.key{fill:#0550ae;font-size:10px}\
    .box{fill:#fff;stroke:#59636e}.head{fill:#eaeef2;stroke:#59636e}.focus .head{fill:#ddf4ff}\
    .line{fill:none;stroke:#59636e;stroke-width:1.2}.end{fill:#fff;stroke:#59636e;stroke-width:1.2}\
    .relation:hover .line{stroke:#0550ae;stroke-width:2.4}";

pub(super) fn render(diagram: &Diagram) -> String {
    let sizes: Vec<(f64, f64)> = diagram.entities.iter().map(size).collect();
    let lines: Vec<Line> = diagram.relations.iter().map(|relation| line(diagram, relation)).collect();
    let layout = layout(&sizes, &lines);
    let (width, height) = (layout.width + 2.0 * MARGIN, layout.height + 2.0 * MARGIN);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\">\n<title>Entity-relationship diagram</title>\n\
         <style>{STYLE}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <g transform=\"translate({MARGIN:.0} {MARGIN:.0})\">\n"
    );
    for (relation, route) in diagram.relations.iter().zip(&layout.routes) {
        draw_relation(diagram, relation, route, &mut out);
    }
    for ((entity, corner), size) in diagram.entities.iter().zip(&layout.corners).zip(&sizes) {
        draw_entity(entity, *corner, *size, &mut out);
    }
    out.push_str("</g>\n</svg>\n");
    out
}

fn size(entity: &Entity) -> (f64, f64) {
    let width = |text: &str| cut(text).width() as f64 * CHAR;
    let columns =
        entity.attributes.iter().map(|a| width(&a.name) + width(&short(&a.ty)) + width(marks(a)) + 3.0 * CHAR);
    let content = columns.fold(width(&entity.label) * 1.05, f64::max);
    (content + 2.0 * PADDING, HEADER + ROW * entity.attributes.len() as f64)
}

/// The line leaves beside the referenced key, and arrives beside the referencing column.
fn line(diagram: &Diagram, relation: &Relation) -> Line {
    let (parent, child) = (&diagram.entities[relation.parent], &diagram.entities[relation.child]);
    let row = |n: Option<usize>| n.map_or(HEADER / 2.0, |n| HEADER + ROW * (n as f64 + 0.5));
    // Of a key over several columns the last says most: the others are often the tenant.
    let last = relation.label.rsplit(", ").next().unwrap_or_default();
    Line {
        parent: relation.parent,
        child: relation.child,
        parent_port: row(parent.attributes.iter().position(|a| a.primary)),
        child_port: row(child
            .attributes
            .iter()
            .position(|a| a.foreign && (a.name == relation.label || a.name == last))),
    }
}

fn draw_entity(entity: &Entity, corner: Point, (width, height): (f64, f64), out: &mut String) {
    let Point { x, y } = corner;
    let class = if entity.focus { "table focus" } else { "table" };
    let _ = write!(
        out,
        "<g class=\"{class}\"><title>{}</title><rect class=\"box\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" \
         height=\"{height:.1}\" rx=\"4\"/><rect class=\"head\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" \
         height=\"{HEADER:.1}\" rx=\"4\"/><text class=\"name\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
        escape(&entity.name.to_string()),
        x + PADDING,
        y + 17.5,
        escape(&cut(&entity.label)),
    );
    for (n, attribute) in entity.attributes.iter().enumerate() {
        let baseline = y + HEADER + ROW * n as f64 + 14.0;
        let type_at = x + width - PADDING - (marks(attribute).width() as f64 + 1.0) * CHAR;
        let _ = write!(
            out,
            "<text x=\"{:.1}\" y=\"{baseline:.1}\">{}</text><text class=\"type\" x=\"{type_at:.1}\" y=\"{baseline:.1}\" \
             text-anchor=\"end\">{}</text>",
            x + PADDING,
            escape(&cut(&attribute.name)),
            escape(&cut(&short(&attribute.ty))),
        );
        if !marks(attribute).is_empty() {
            let _ = write!(
                out,
                "<text class=\"key\" x=\"{:.1}\" y=\"{baseline:.1}\" text-anchor=\"end\">{}</text>",
                x + width - PADDING,
                marks(attribute)
            );
        }
    }
    out.push_str("</g>\n");
}

/// A curve through the points; crow's feet say how many rows may stand at either end.
fn draw_relation(diagram: &Diagram, relation: &Relation, route: &[Point], out: &mut String) {
    let [first, .., last] = route else { return };
    let (parent, child) = (&diagram.entities[relation.parent], &diagram.entities[relation.child]);
    let _ = write!(
        out,
        "<g class=\"relation\"><title>{} ({}) references {}</title><path class=\"line\" d=\"M{:.1} {:.1}",
        escape(&child.name.to_string()),
        escape(&relation.label),
        escape(&parent.name.to_string()),
        first.x,
        first.y
    );
    for pair in route.windows(2) {
        let [a, b] = pair else { continue };
        let middle = (a.x + b.x) / 2.0;
        let bend = if relation.parent == relation.child { a.x.max(b.x) } else { middle };
        let _ = write!(out, "C{bend:.1} {:.1} {bend:.1} {:.1} {:.1} {:.1}", a.y, b.y, b.x, b.y);
    }
    out.push_str("\"/>");
    let beyond_last = route[route.len() - 2];
    let away = |end: &Point, next: &Point| if next.x >= end.x { 1.0 } else { -1.0 };
    let side = away(last, &beyond_last);
    let bar = |at: f64, y: f64| format!("M{at:.1} {:.1}v10", y - 5.0);
    let mut strokes = String::new();
    if relation.one_to_one {
        strokes.push_str(&bar(last.x + side * 8.0, last.y));
    } else {
        let tip = last.x + side * 12.0;
        let _ = write!(
            strokes,
            "M{tip:.1} {:.1}L{:.1} {:.1}M{tip:.1} {:.1}L{:.1} {:.1}",
            last.y,
            last.x,
            last.y - 6.0,
            last.y,
            last.x,
            last.y + 6.0
        );
    }
    let side_of_parent = away(first, &route[1]);
    strokes.push_str(&bar(first.x + side_of_parent * 8.0, first.y));
    if !relation.optional {
        strokes.push_str(&bar(first.x + side_of_parent * 12.0, first.y));
    }
    let _ = write!(out, "<path class=\"line\" d=\"{strokes}\"/>");
    let _ = write!(out, "<circle class=\"end\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3.5\"/>", last.x + side * 16.0, last.y);
    if relation.optional {
        let at = first.x + side_of_parent * 15.0;
        let _ = write!(out, "<circle class=\"end\" cx=\"{at:.1}\" cy=\"{:.1}\" r=\"3.5\"/>", first.y);
    }
    out.push_str("</g>\n");
}

fn marks(attribute: &Attribute) -> &'static str {
    match (attribute.primary, attribute.foreign) {
        (true, true) => "PK FK",
        (true, false) => "PK",
        (false, true) => "FK",
        (false, false) => "",
    }
}

/// Long names of types as people write them; a column that takes NULL says so.
fn short(ty: &str) -> String {
    ty.replace("character varying", "varchar")
        .replace("timestamp with time zone", "timestamptz")
        .replace("timestamp without time zone", "timestamp")
        .replace("double precision", "float8")
}

fn cut(text: &str) -> String {
    if text.chars().count() <= MAX_CHARS {
        return text.to_owned();
    }
    text.chars().take(MAX_CHARS - 1).chain(['…']).collect()
}

/// XML knows five characters of its own, and allows no control characters at all.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
