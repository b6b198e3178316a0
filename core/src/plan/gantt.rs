use std::fmt::Write as _;

/// A row of a Gantt chart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bar {
    /// What people read.
    pub label: String,
    /// Depth in the hierarchy, 0 for the plan.
    pub depth: usize,
    /// Whether other rows are below it.
    pub group: bool,
    /// Start.
    pub start_us: i64,
    /// Finish.
    pub finish_us: i64,
    /// How much is done, in percent.
    pub percent: u8,
    /// Whether a delay delays the plan.
    pub critical: bool,
    /// Row numbers of the predecessors.
    pub after: Vec<usize>,
}

/// A plan as a chart of bars over time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gantt {
    /// Heading.
    pub title: String,
    /// When the axis starts, as people write it; the ticks are offsets from it.
    pub start_label: String,
    /// Rows from top to bottom.
    pub bars: Vec<Bar>,
}

const ROW: i64 = 24;
const BAR: i64 = 14;
const TOP: i64 = 72;
const LABELS: i64 = 320;
const CHART: i64 = 880;
const MARGIN: i64 = 16;
const MINUTE_US: i64 = 60_000_000;
/// Distances between ticks that people count in, in minutes; beyond the last one, whole days.
const STEPS: [i64; 13] = [1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440];
const STYLE: &str = "\
text{font:12px system-ui,sans-serif;fill:#1f2328}\
.title{font-size:16px;font-weight:600}.note{fill:#59636e}.group{font-weight:600}\
.band{fill:#f6f8fa}.tick{stroke:#d1d9e0}.link{stroke:#818b98;fill:none}\
.task{fill:#a5c8ff}.task.critical{fill:#ffb3a8}.done{fill:#0969da}.critical+.done{fill:#cf222e}\
.span{fill:#59636e}.span.critical{fill:#cf222e}";

impl Gantt {
    /// A picture that needs nothing else to be shown: no script, no font, no style sheet.
    pub fn svg(&self) -> String {
        let axis = Axis::of(&self.bars);
        let height = TOP + ROW * self.bars.len() as i64 + MARGIN;
        let width = MARGIN * 2 + LABELS + CHART;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" role=\"img\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n\
             <text class=\"title\" x=\"{MARGIN}\" y=\"26\">{title}</text>\n\
             <text class=\"note\" x=\"{MARGIN}\" y=\"46\">Start {start}, duration {duration}; red: critical path</text>\n",
            title = xml(&self.title),
            start = xml(&self.start_label),
            duration = offset(axis.span_us),
        );
        for row in (0..self.bars.len() as i64).step_by(2) {
            let y = TOP + row * ROW;
            let _ = writeln!(svg, "<rect class=\"band\" x=\"0\" y=\"{y}\" width=\"{width}\" height=\"{ROW}\"/>");
        }
        for tick_us in axis.ticks() {
            let x = axis.x(axis.start_us.saturating_add(tick_us));
            let _ = writeln!(
                svg,
                "<line class=\"tick\" x1=\"{x}\" y1=\"{TOP}\" x2=\"{x}\" y2=\"{bottom}\"/>\
                 <text class=\"note\" x=\"{x}\" y=\"{label}\" text-anchor=\"middle\">{text}</text>",
                bottom = height - MARGIN,
                label = TOP - 6,
                text = offset(tick_us),
            );
        }
        for (row, bar) in self.bars.iter().enumerate() {
            self.link_lines(&mut svg, &axis, row, bar);
        }
        for (row, bar) in self.bars.iter().enumerate() {
            draw(&mut svg, &axis, TOP + row as i64 * ROW, bar);
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn link_lines(&self, svg: &mut String, axis: &Axis, row: usize, bar: &Bar) {
        for (from_row, from) in bar.after.iter().filter_map(|r| Some((*r as i64, self.bars.get(*r)?))) {
            let (x1, y1) = (axis.x(from.finish_us), TOP + from_row * ROW + ROW / 2);
            let (x2, y2) = (axis.x(bar.start_us), TOP + row as i64 * ROW + ROW / 2);
            let _ = writeln!(svg, "<path class=\"link\" d=\"M{x1} {y1}h4V{y2}H{x2}\"/>");
        }
    }

    /// Text for Mermaid's `gantt`.
    pub fn mermaid(&self) -> String {
        let mut text = format!(
            "gantt\n    title {}\n    dateFormat x\n    axisFormat %d %H:%M\n    todayMarker off\n",
            plain(&self.title)
        );
        for (row, bar) in self.bars.iter().enumerate() {
            if bar.group {
                let _ = writeln!(text, "    section {}", plain(&bar.label));
                continue;
            }
            let state = match bar.percent {
                100.. => "done, ",
                0 => "",
                _ => "active, ",
            };
            let critical = if bar.critical { "crit, " } else { "" };
            let milestone = if bar.start_us == bar.finish_us { "milestone, " } else { "" };
            let (start, finish) = (bar.start_us.div_euclid(1000), bar.finish_us.div_euclid(1000));
            let _ = writeln!(text, "    {} :{critical}{state}{milestone}r{row}, {start}, {finish}", plain(&bar.label));
        }
        text
    }
}

fn draw(svg: &mut String, axis: &Axis, top: i64, bar: &Bar) {
    let (x, end) = (axis.x(bar.start_us), axis.x(bar.finish_us));
    let (width, critical) = (end - x, if bar.critical { " critical" } else { "" });
    let class = if bar.group { " class=\"group\"" } else { "" };
    let indent = MARGIN + 14 * bar.depth as i64;
    let _ = writeln!(
        svg,
        "<text{class} x=\"{indent}\" y=\"{}\">{}</text>",
        top + 16,
        xml(&shortened(&bar.label, bar.depth))
    );
    let tip = format!(
        "<title>{}: {} to {}, {} % done</title>",
        xml(&bar.label),
        offset(bar.start_us.saturating_sub(axis.start_us)),
        offset(bar.finish_us.saturating_sub(axis.start_us)),
        bar.percent
    );
    let y = top + (ROW - BAR) / 2;
    let _ = if bar.group {
        let middle = top + ROW / 2;
        writeln!(
            svg,
            "<path class=\"span{critical}\" d=\"M{x} {y0}V{y1}L{x2} {y2}H{x3}L{end} {y1}V{y0}Z\">{tip}</path>",
            y0 = middle - 4,
            y1 = middle + 5,
            x2 = (x + 5).min(end),
            y2 = middle + 1,
            x3 = (end - 5).max(x),
        )
    } else if width == 0 {
        let middle = top + ROW / 2;
        writeln!(svg, "<path class=\"task{critical}\" d=\"M{x} {}l6 6l-6 6l-6 -6Z\">{tip}</path>", middle - 6)
    } else {
        let done = width * i64::from(bar.percent.min(100)) / 100;
        writeln!(
            svg,
            "<rect class=\"task{critical}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{BAR}\" rx=\"3\">{tip}</rect>\
             <rect class=\"done\" x=\"{x}\" y=\"{}\" width=\"{done}\" height=\"3\"/>",
            y + BAR - 3
        )
    };
}

/// Time to horizontal position.
struct Axis {
    start_us: i64,
    span_us: i64,
}

impl Axis {
    fn of(bars: &[Bar]) -> Self {
        let start_us = bars.iter().map(|b| b.start_us).min().unwrap_or_default();
        let finish_us = bars.iter().map(|b| b.finish_us).max().unwrap_or_default();
        Self { start_us, span_us: finish_us.saturating_sub(start_us).max(0) }
    }

    fn x(&self, time_us: i64) -> i64 {
        let passed = i128::from(time_us.saturating_sub(self.start_us));
        let share = passed * i128::from(CHART) / i128::from(self.span_us.max(1));
        MARGIN + LABELS + i64::try_from(share.clamp(0, i128::from(CHART))).unwrap_or(CHART)
    }

    /// At most a dozen, at round distances.
    fn ticks(&self) -> impl Iterator<Item = i64> + use<> {
        let minutes = self.span_us / MINUTE_US;
        let days = (minutes / 12 / 1440 + 1).saturating_mul(1440);
        let step = STEPS.into_iter().find(|s| minutes / s <= 12).unwrap_or(days).saturating_mul(MINUTE_US);
        let span = self.span_us;
        std::iter::successors(Some(0i64), move |tick| tick.checked_add(step)).take_while(move |tick| *tick <= span)
    }
}

/// `2 h 30`, for tick marks and tips.
fn offset(us: i64) -> String {
    let minutes = us.div_euclid(MINUTE_US);
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes:02}"),
    }
}

/// As much of a label as fits beside the chart.
fn shortened(label: &str, depth: usize) -> String {
    let room = 46usize.saturating_sub(depth * 2).max(8);
    let one_line: String = label.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if one_line.chars().count() <= room {
        return one_line;
    }
    one_line.chars().take(room - 1).chain(['…']).collect()
}

/// Text that XML reads as text. Characters that XML has no way to write become U+FFFD.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Text that Mermaid does not take for syntax: `:` ends a name, `;` a statement, `#` starts an
/// entity, `%%` a comment.
fn plain(text: &str) -> String {
    let clean = |c: char| match c {
        ':' | ';' | '#' | '%' | '<' | '>' | '"' | '`' | '{' | '}' => ' ',
        c if c.is_control() => ' ',
        c => c,
    };
    let replaced: String = text.chars().map(clean).collect();
    let words: Vec<&str> = replaced.split_whitespace().collect();
    if words.is_empty() { "-".to_owned() } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart() -> Gantt {
        let bar = |label: &str, depth, group, from: i64, to: i64| Bar {
            label: label.to_owned(),
            depth,
            group,
            start_us: from * MINUTE_US,
            finish_us: to * MINUTE_US,
            ..Bar::default()
        };
        let mut bars = vec![
            bar("Plan", 0, true, 0, 150),
            bar("Dump <db> & \"check\"\u{1}", 1, false, 0, 90),
            bar("Go: no-go; #1", 1, false, 90, 90),
            bar("Load", 1, false, 90, 150),
        ];
        bars[1].percent = 100;
        bars[3].critical = true;
        bars[3].after = vec![1, 99];
        Gantt { title: "A & B".to_owned(), start_label: "2026-01-01".to_owned(), bars }
    }

    #[test]
    fn hostile_labels_stay_text() {
        let svg = chart().svg();
        assert!(svg.contains("Dump &lt;db&gt; &amp; &quot;check&quot;\u{fffd}"));
        assert!(!svg.contains("<db>") && svg.contains("<title>A &amp; B</title>"));
        let mermaid = chart().mermaid();
        assert!(mermaid.contains("    Go no-go 1 :milestone, r2, 5400000, 5400000\n"), "{mermaid}");
        assert!(mermaid.contains("    Load :crit, r3, 5400000, 9000000\n"));
        assert!(mermaid.contains("    section Plan\n"));
    }

    #[test]
    fn bars_are_where_their_times_are() {
        let axis = Axis::of(&chart().bars);
        assert_eq!(axis.x(0), MARGIN + LABELS);
        assert_eq!(axis.x(150 * MINUTE_US), MARGIN + LABELS + CHART);
        assert_eq!(axis.x(75 * MINUTE_US), MARGIN + LABELS + CHART / 2);
        assert_eq!(
            axis.ticks().map(|t| t / MINUTE_US).collect::<Vec<_>>(),
            [0, 15, 30, 45, 60, 75, 90, 105, 120, 135, 150]
        );
    }

    #[test]
    fn charts_of_any_length_have_few_ticks() {
        for span_us in [0, 1, MINUTE_US, 3600 * 24 * 365 * 1_000_000, i64::MAX] {
            let axis = Axis { start_us: 0, span_us };
            assert!(axis.ticks().count() <= 14, "{span_us}");
        }
        assert!(Gantt::default().svg().ends_with("</svg>\n"));
    }

    #[test]
    fn offsets_read_as_people_say_them() {
        assert_eq!(offset(0), "0 min");
        assert_eq!(offset(150 * MINUTE_US), "2 h 30");
        assert_eq!(offset(125 * MINUTE_US), "2 h 05");
        assert_eq!(offset(60 * MINUTE_US), "1 h");
    }
}
