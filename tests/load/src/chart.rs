//! A chart of lines or bars, as SVG.

use std::fmt::Write;

/// One that is compared: its name, and its points or its one bar for each place.
pub struct Series {
    pub name: String,
    pub points: Vec<(f64, f64)>,
}

const COLOURS: [&str; 4] = ["#1f6feb", "#d29922", "#8b949e", "#3fb950"];
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 64.0;
const TOP: f64 = 48.0;
const RIGHT: f64 = 20.0;
const BOTTOM: f64 = 48.0;

/// Lines over steps that grow by factors, so that the first axis is logarithmic.
pub fn lines(title: &str, along: &str, series: &[Series]) -> String {
    let all = || series.iter().flat_map(|series| &series.points);
    let (least, most) = all().fold((f64::MAX, f64::MIN), |(a, b), (x, _)| (a.min(*x), b.max(*x)));
    let top = all().fold(0.0, |top: f64, (_, y)| top.max(*y)).max(f64::MIN_POSITIVE);
    let x_of = |x: f64| {
        let part = if most > least { (x / least).ln() / (most / least).ln() } else { 0.5 };
        LEFT + 20.0 + part * (WIDTH - LEFT - RIGHT - 40.0)
    };
    let mut svg = frame(title, along, top, series);
    let mut steps: Vec<f64> = all().map(|(x, _)| *x).collect();
    steps.sort_by(f64::total_cmp);
    steps.dedup();
    for step in steps {
        label(&mut svg, x_of(step), &number(step));
    }
    for (series, colour) in series.iter().zip(COLOURS.iter().cycle()) {
        let points: Vec<(f64, f64)> =
            series.points.iter().map(|(x, y)| (x_of(*x), y_of(*y, top))).collect();
        let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let path = path.join(" ");
        put(
            &mut svg,
            format_args!(
                r#"<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>"#
            ),
        );
        for (x, y) in points {
            put(
                &mut svg,
                format_args!(r#"<circle cx="{x:.1}" cy="{y:.1}" r="3" fill="{colour}"/>"#),
            );
        }
    }
    svg + "</svg>\n"
}

/// Bars side by side at each place; a point's first number is its place.
pub fn bars(title: &str, places: &[&str], series: &[Series]) -> String {
    let all = series.iter().flat_map(|series| &series.points);
    let top = all.fold(0.0, |top: f64, (_, y)| top.max(*y)).max(f64::MIN_POSITIVE);
    let mut svg = frame(title, "", top, series);
    let place = (WIDTH - LEFT - RIGHT) / places.len() as f64;
    let width = place * 0.7 / series.len() as f64;
    for (at, name) in places.iter().enumerate() {
        label(&mut svg, LEFT + place * (at as f64 + 0.5), name);
    }
    for (nth, (series, colour)) in series.iter().zip(COLOURS.iter().cycle()).enumerate() {
        for (at, value) in &series.points {
            let x = LEFT + place * (at + 0.15) + width * nth as f64;
            let y = y_of(*value, top);
            let (height, bar) = (HEIGHT - BOTTOM - y, width - 2.0);
            put(
                &mut svg,
                format_args!(
                    r#"<rect x="{x:.1}" y="{y:.1}" width="{bar:.1}" height="{height:.1}" fill="{colour}"/>"#
                ),
            );
            let (x, y, value) = (x + bar / 2.0, y - 4.0, number(*value));
            put(
                &mut svg,
                format_args!(
                    r#"<text x="{x:.1}" y="{y:.1}" text-anchor="middle" font-size="10">{value}</text>"#
                ),
            );
        }
    }
    svg + "</svg>\n"
}

/// Everything but the lines and bars.
fn frame(title: &str, along: &str, top: f64, series: &[Series]) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\" fill=\"#57606a\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n"
    );
    put(
        &mut svg,
        format_args!(
            r##"<text x="{LEFT}" y="20" font-size="14" fill="#24292f">{}</text>"##,
            escaped(title)
        ),
    );
    for quarter in 0..=4 {
        let value = top * f64::from(quarter) / 4.0;
        let (y, right, text) = (y_of(value, top), WIDTH - RIGHT, number(value));
        put(
            &mut svg,
            format_args!(
                r##"<line x1="{LEFT}" y1="{y:.1}" x2="{right}" y2="{y:.1}" stroke="#d0d7de"/>"##
            ),
        );
        let (x, y) = (LEFT - 6.0, y + 4.0);
        put(&mut svg, format_args!(r#"<text x="{x}" y="{y:.1}" text-anchor="end">{text}</text>"#));
    }
    let mut x = LEFT;
    for (series, colour) in series.iter().zip(COLOURS.iter().cycle()) {
        put(
            &mut svg,
            format_args!(
                r#"<rect x="{x:.1}" y="28" width="10" height="10" fill="{colour}"/><text x="{:.1}" y="37">{}</text>"#,
                x + 14.0,
                escaped(&series.name)
            ),
        );
        x += 34.0 + 7.0 * series.name.len() as f64;
    }
    let (x, y) = ((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 8.0);
    put(
        &mut svg,
        format_args!(r#"<text x="{x:.1}" y="{y}" text-anchor="middle">{}</text>"#, escaped(along)),
    );
    svg
}

fn y_of(value: f64, top: f64) -> f64 {
    HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM - 10.0)
}

fn label(svg: &mut String, x: f64, text: &str) {
    let y = HEIGHT - BOTTOM + 16.0;
    put(
        svg,
        format_args!(r#"<text x="{x:.1}" y="{y}" text-anchor="middle">{}</text>"#, escaped(text)),
    );
}

fn put(svg: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(svg, "{line}").expect("a string takes all");
}

/// A figure with as many digits as say something.
pub fn number(value: f64) -> String {
    let digits = match value.abs() {
        size if size.fract() == 0.0 => 0,
        size if size < 0.1 => 3,
        size if size < 10.0 => 2,
        size if size < 100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.digits$}");
    let (sign, whole) = text.strip_prefix('-').map_or(("", &*text), |rest| ("-", rest));
    let (whole, part) = whole
        .split_once('.')
        .map_or((whole, String::new()), |(whole, part)| (whole, format!(".{part}")));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{part}")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_the_digits_that_say_something() {
        for (value, text) in [
            (0.0, "0"),
            (0.0123, "0.012"),
            (1.234, "1.23"),
            (45.67, "45.7"),
            (10.0, "10"),
            (1234567.0, "1,234,567"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_chart_has_a_mark_for_each_point() {
        let series =
            |name: &str| Series { name: name.into(), points: vec![(1.0, 2.0), (10.0, 4.0)] };
        let chart = lines("A & B", "members", &[series("one"), series("two")]);
        assert_eq!(chart.matches("<circle").count(), 4);
        assert!(chart.contains("A &amp; B") && chart.ends_with("</svg>\n"));
        let bar = Series { name: "one".into(), points: vec![(0.0, 1.0), (1.0, 2.0)] };
        assert_eq!(bars("Bars", &["a", "b"], &[bar]).matches("fill=\"#1f6feb\"").count(), 3);
    }
}
