//! Pictures of measurements, as SVG.

use anyhow::Result;
use plotters::prelude::*;

const SIZE: (u32, u32) = (760, 460);
/// Measured points.
const POINT: RGBColor = RGBColor(21, 96, 160);
const LINE: RGBColor = RGBColor(150, 150, 150);

/// How a cost grows: measured points on logarithmic axes, and for the eye the straight line of a cost
/// that is proportional, through the middle point.
pub(crate) fn growth(title: &str, x: &str, y: &str, points: &[(f64, f64)]) -> Result<String> {
    let (from, to) = (points[0], points[points.len() - 1]);
    let middle = points[points.len() / 2];
    let proportional = middle.1 / middle.0;
    let lowest = points.iter().map(|p| p.1).chain([from.0 * proportional]).fold(f64::INFINITY, f64::min);
    let highest = points.iter().map(|p| p.1).chain([to.0 * proportional]).fold(0.0, f64::max);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(title, ("sans-serif", 20))
            .margin(16)
            .x_label_area_size(44)
            .y_label_area_size(64)
            .build_cartesian_2d((from.0 / 1.3..to.0 * 1.3).log_scale(), (lowest / 1.6..highest * 1.6).log_scale())?;
        chart
            .configure_mesh()
            .x_desc(x)
            .y_desc(y)
            .x_label_formatter(&|n| number(*n))
            .y_label_formatter(&|n| number(*n))
            .light_line_style(RGBColor(240, 240, 240))
            .draw()?;
        let ends = [from.0, to.0].map(|n| (n, n * proportional));
        chart
            .draw_series(LineSeries::new(ends, LINE.stroke_width(2)))?
            .label(format!("proportional: {:.0} ns for each", proportional * 1e6))
            .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], LINE.stroke_width(2)));
        chart
            .draw_series(points.iter().map(|p| Circle::new(*p, 5, POINT.filled())))?
            .label("measured")
            .legend(|(x, y)| Circle::new((x + 9, y), 5, POINT.filled()));
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .border_style(LINE)
            .background_style(WHITE)
            .draw()?;
        area.present()?;
    }
    Ok(svg)
}

/// With groups of three digits, and no digits that say nothing.
fn number(value: f64) -> String {
    if value < 1.0 {
        return format!("{value}");
    }
    let digits = format!("{value:.0}");
    let group = |(at, digit): (usize, char)| {
        let gap = at > 0 && (digits.len() - at).is_multiple_of(3);
        gap.then_some(',').into_iter().chain([digit])
    };
    digits.chars().enumerate().flat_map(group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_is_drawn() {
        let svg = growth("Growth", "rows", "ms", &[(1e3, 0.1), (1e4, 1.2), (1e6, 140.0)]).unwrap();
        // One more in the legend.
        assert_eq!(svg.matches("<circle").count(), 4, "{svg}");
        assert!(svg.contains("100,000") && svg.contains("proportional: 120 ns"), "{svg}");
    }
}
