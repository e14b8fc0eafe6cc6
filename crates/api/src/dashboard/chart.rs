//! Drawings of the last day, as SVG that the page's own stylesheet colours. The same numbers stand below in a table.

use crate::admin::overview::HourView;
use askama::Template;
use std::fmt::Write;

/// The drawing's size, in its own units, and where its plot is.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 44.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 24.0;
/// Every so many hours one is named.
const NAMED: usize = 4;

/// A line across, with what it stands for.
struct Rule {
    y: f64,
    label: String,
}

/// A name below.
struct Tick {
    x: f64,
    label: String,
}

/// The column of an hour, with all that it says.
struct Column {
    x: f64,
    width: f64,
    title: String,
}

/// A bar.
struct Bar {
    class: &'static str,
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

/// A line through the middles of the hours, in pieces where there is nothing in between.
struct Curve {
    class: &'static str,
    path: String,
    dots: Vec<(f64, f64)>,
}

/// A drawing.
#[derive(Template)]
#[template(path = "dashboard/chart.html")]
pub(super) struct Chart {
    id: &'static str,
    title: &'static str,
    /// What it shows, in a sentence.
    summary: String,
    /// Class and name of each series.
    legend: &'static [(&'static str, &'static str)],
    rules: Vec<Rule>,
    ticks: Vec<Tick>,
    columns: Vec<Column>,
    bars: Vec<Bar>,
    curves: Vec<Curve>,
    head: &'static [&'static str],
    rows: Vec<Vec<String>>,
}

/// Messages of each hour.
pub(super) fn traffic(hours: &[HourView]) -> Chart {
    let top = ceiling(hours.iter().map(|hour| hour.inbound.max(hour.outbound)).max().unwrap_or(0));
    let sum = |value: fn(&HourView) -> i64| hours.iter().map(value).sum::<i64>();
    let (inbound, outbound, failed) =
        (sum(|hour| hour.inbound), sum(|hour| hour.outbound), sum(|hour| hour.failed));
    let mut bars = Vec::new();
    for (at, hour) in hours.iter().enumerate() {
        let (left, slot) = slot(at, hours.len());
        let width = slot * 0.3;
        for (nth, class, count) in
            [(0.0, "in", hour.inbound), (1.0, "out", hour.outbound), (2.0, "failed", hour.failed)]
        {
            let y = height_of(count, top);
            let bar =
                Bar { class, x: left + slot * 0.05 + nth * width, y, width, height: HEIGHT - BOTTOM - y };
            bars.extend((count > 0).then_some(bar));
        }
    }
    let words =
        |hour: &HourView| format!("{} in, {} out, {} failed", hour.inbound, hour.outbound, hour.failed);
    Chart {
        id: "traffic",
        title: "Messages by the hour",
        summary: format!(
            "In 24 hours {inbound} from customers, {outbound} to customers, {failed} of them failed; \
             counted once a minute."
        ),
        legend: &[("in", "from customers"), ("out", "to customers"), ("failed", "failed")],
        rules: rules(top, |value| value.to_string()),
        ticks: ticks(hours),
        columns: columns(hours, words),
        bars,
        curves: Vec::new(),
        head: &["Hour (UTC)", "In", "Out", "Failed"],
        rows: hours
            .iter()
            .map(|hour| {
                let counts = [hour.inbound, hour.outbound, hour.failed].map(|count| count.to_string());
                [vec![named(hour)], counts.to_vec()].concat()
            })
            .collect(),
    }
}

/// How long messages took from one side to the other.
pub(super) fn latency(hours: &[HourView]) -> Chart {
    let top = ceiling(hours.iter().filter_map(|hour| hour.p95_ms.max(hour.p50_ms)).max().unwrap_or(0));
    let p50: Vec<Option<i64>> = hours.iter().map(|hour| hour.p50_ms).collect();
    let p95: Vec<Option<i64>> = hours.iter().map(|hour| hour.p95_ms).collect();
    let shown = |ms: Option<i64>| ms.map_or("–".to_owned(), millis);
    let words = |hour: &HourView| match (hour.p50_ms, hour.p95_ms) {
        (None, None) => "no message".to_owned(),
        (half, most) => format!("half within {}, 95 of 100 within {}", shown(half), shown(most)),
    };
    let worst = p95.iter().flatten().max();
    Chart {
        id: "latency",
        title: "From one side to the other",
        summary: match worst {
            Some(worst) => format!("In the slowest hour 95 of 100 messages took {} or less.", millis(*worst)),
            None => "No message was brought to the other side in 24 hours.".to_owned(),
        },
        legend: &[("p50", "half of them"), ("p95", "95 of 100")],
        rules: rules(top, |ms| axis(ms, top)),
        ticks: ticks(hours),
        columns: columns(hours, words),
        bars: Vec::new(),
        curves: vec![curve("p95", &p95, top), curve("p50", &p50, top)],
        head: &["Hour (UTC)", "Half within", "95 of 100 within"],
        rows: hours.iter().map(|hour| vec![named(hour), shown(hour.p50_ms), shown(hour.p95_ms)]).collect(),
    }
}

/// A duration in as few signs as an axis has room for.
fn millis(ms: i64) -> String {
    match ms {
        ..1_000 => format!("{ms} ms"),
        1_000..10_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        10_000..120_000 => format!("{} s", ms / 1_000),
        120_000..7_200_000 => format!("{} min", ms / 60_000),
        _ => format!("{} h", ms / 3_600_000),
    }
}

/// The same on an axis up to `top`: all of it in one unit.
fn axis(ms: i64, top: i64) -> String {
    if (1_000..10_000).contains(&top) {
        return format!("{}.{} s", ms / 1_000, ms % 1_000 / 100);
    }
    millis(ms)
}

/// The end of an axis: a round number that four rules divide well.
fn ceiling(most: i64) -> i64 {
    let mut step = 1;
    loop {
        for end in [4, 6, 8, 12, 16, 20, 24, 32].map(|round| round * step) {
            if end >= most && end % 4 == 0 {
                return end;
            }
        }
        step *= 10;
    }
}

#[expect(clippy::cast_precision_loss, reason = "positions in a drawing")]
fn slot(at: usize, of: usize) -> (f64, f64) {
    let slot = (WIDTH - LEFT) / of.max(1) as f64;
    (LEFT + at as f64 * slot, slot)
}

#[expect(clippy::cast_precision_loss, reason = "positions in a drawing")]
fn height_of(value: i64, top: i64) -> f64 {
    let (low, high) = (HEIGHT - BOTTOM, TOP);
    low - (low - high) * (value as f64 / top.max(1) as f64)
}

fn rules(top: i64, label: impl Fn(i64) -> String) -> Vec<Rule> {
    [0, 1, 2, 3, 4]
        .map(|part| part * top / 4)
        .map(|at| Rule { y: height_of(at, top), label: label(at) })
        .into()
}

fn ticks(hours: &[HourView]) -> Vec<Tick> {
    let tick = |(at, hour): (usize, &HourView)| {
        let (x, slot) = slot(at, hours.len());
        Tick { x: x + slot / 2.0, label: named(hour) }
    };
    hours.iter().enumerate().filter(|(at, _)| at % NAMED == NAMED - 1).map(tick).collect()
}

fn named(hour: &HourView) -> String {
    hour.from.format("%H:%M").to_string()
}

fn columns(hours: &[HourView], words: impl Fn(&HourView) -> String) -> Vec<Column> {
    let column = |(at, hour): (usize, &HourView)| {
        let (x, width) = slot(at, hours.len());
        Column { x, width, title: format!("{}: {}", named(hour), words(hour)) }
    };
    hours.iter().enumerate().map(column).collect()
}

fn curve(class: &'static str, values: &[Option<i64>], top: i64) -> Curve {
    let (mut path, mut dots, mut pen) = (String::new(), Vec::new(), false);
    for (at, value) in values.iter().enumerate() {
        let Some(value) = value else {
            pen = false;
            continue;
        };
        let (x, slot) = slot(at, values.len());
        let (x, y) = (x + slot / 2.0, height_of(*value, top));
        let verb = if pen { 'L' } else { 'M' };
        write!(path, "{verb}{x:.1} {y:.1}").ok();
        dots.push((x, y));
        pen = true;
    }
    Curve { class, path, dots }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_a_round_number_that_holds_everything() {
        for (most, end) in
            [(0, 4), (4, 4), (5, 8), (9, 12), (13, 16), (21, 24), (46, 60), (1_234, 1_600), (81_000, 120_000)]
        {
            assert_eq!(ceiling(most), end);
        }
    }

    #[test]
    fn an_axis_of_seconds_names_no_milliseconds() {
        assert_eq!([0, 800, 3_200].map(|ms| axis(ms, 3_200)), ["0.0 s", "0.8 s", "3.2 s"]);
        assert_eq!([0, 200, 800].map(|ms| axis(ms, 800)), ["0 ms", "200 ms", "800 ms"]);
    }

    #[test]
    fn where_nothing_was_measured_the_line_is_interrupted() {
        let curve = curve("p50", &[Some(1), Some(4), None, Some(2)], 4);
        assert_eq!(
            (curve.path.matches('M').count(), curve.path.matches('L').count()),
            (2, 1),
            "{}",
            curve.path
        );
        assert_eq!(curve.dots.len(), 3);
        assert!((curve.dots[1].1 - TOP).abs() < f64::EPSILON, "the highest value is at the top");
    }
}
