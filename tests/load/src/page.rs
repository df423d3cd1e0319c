//! Tables and charts for people, from the reports of many runs.

use std::fs;
use std::path::Path;

use color_eyre::eyre::{OptionExt, Result, WrapErr};

use crate::chart::{self, Series, number};
use crate::runs::Runs;

const US: &str = "chatd";
const PEERS: [&str; 2] = ["InspIRCd", "ngIRCd"];

/// One line of the comparison.
struct Row {
    what: &'static str,
    /// The runs.
    name: &'static str,
    /// The figure.
    path: &'static str,
    /// What we want of it.
    due: Due,
}

enum Due {
    /// At most so many times the least of the peers.
    AtMostTimes(f64),
    /// At least so many times the most of the peers.
    AtLeastTimes(f64),
    /// At most this, whatever the peers do.
    AtMost(f64),
    /// At most what other figures of the same comparison come to.
    AtMostOf(fn(&Runs) -> Option<f64>),
    /// It is only told, and less is better.
    Less,
    /// It is only told, and more is better.
    More,
}

/// What a message that is on the disk may take: what it may take without, and a bare append
/// and fdatasync.
fn kept_us(runs: &Runs) -> Option<f64> {
    let best = least(&PEERS.map(|peer| runs.median("pingpong", peer, "latency_us.p50")))?;
    Some(1.3 * best + 1.2 * runs.median("disk", "disk", "latency_us.p50")?)
}

/// Twice what it is while nobody comes back.
fn twice_the_usual_us(runs: &Runs) -> Option<f64> {
    Some(2.0 * runs.median("storm", US, "usual_latency_us.p99")?)
}

fn least(figures: &[Option<f64>]) -> Option<f64> {
    figures.iter().flatten().copied().reduce(f64::min)
}

const fn row(what: &'static str, name: &'static str, path: &'static str, due: Due) -> Row {
    Row { what, name, path, due }
}

/// The comparison, in its order.
const ROWS: &[Row] = &[
    row("flood: CPU per delivery, us", "flood", "cpu_us_per_delivery", Due::AtMostTimes(0.5)),
    row("flood: deliveries a second", "flood", "deliveries_per_s", Due::More),
    row(
        "20 messages/s to 500: CPU per delivery, us",
        "fanout",
        "cpu_us_per_delivery",
        Due::AtMostTimes(0.8),
    ),
    row("20 messages/s to 500: p50, us", "fanout", "latency_us.p50", Due::Less),
    row("20 messages/s to 500: p99, us", "fanout", "latency_us.p99", Due::AtMostTimes(1.0)),
    row(
        "200 rooms, 8 under way: messages a second",
        "rooms-8",
        "messages_per_s",
        Due::AtLeastTimes(1.0),
    ),
    row(
        "200 rooms, 8 under way: CPU per delivery, us",
        "rooms-8",
        "cpu_us_per_delivery",
        Due::AtMostTimes(0.8),
    ),
    row("200 rooms, 1 under way: messages a second", "rooms-1", "messages_per_s", Due::More),
    row(
        "200 rooms, 1 under way: CPU per delivery, us",
        "rooms-1",
        "cpu_us_per_delivery",
        Due::Less,
    ),
    row(
        "200 rooms, 2,000 messages/s: CPU per delivery, us",
        "rooms-2000",
        "cpu_us_per_delivery",
        Due::Less,
    ),
    row("200 rooms, 2,000 messages/s: p99, us", "rooms-2000", "latency_us.p99", Due::Less),
    row(
        "two people: p50, us (`durability = \"process\"`)",
        "pingpong",
        "latency_us.p50",
        Due::AtMostTimes(1.3),
    ),
    row(
        "two people: p50, us (`\"power\"`, the default)",
        "pingpong-power",
        "latency_us.p50",
        Due::AtMostOf(kept_us),
    ),
    row("1 % never read: CPU per delivery, us", "stalled", "cpu_us_per_delivery", Due::Less),
    row(
        "5,000 idle: resident KiB per connection",
        "idle",
        "resident_kib_per_connection",
        Due::AtMost(8.5),
    ),
    row("5,000 come in: CPU per connect, us", "idle", "cpu_us_per_connect", Due::AtMostTimes(0.6)),
    row("2,000 enter one room: CPU for each, us", "enter", "cpu_us_per_enter", Due::AtMost(1000.0)),
    row("storm: seconds until all are back", "storm", "back_s", Due::AtMost(15.0)),
    row("storm: p99 of two who talk before it, us", "storm", "usual_latency_us.p99", Due::Less),
    row(
        "storm: p99 of two who talk meanwhile, us",
        "storm",
        "latency_us.p99",
        Due::AtMostOf(twice_the_usual_us),
    ),
    row("100,000 accounts, 1,000,000 messages: start, s", "start", "wall_s", Due::AtMost(0.5)),
];

/// Writes the figures of `results` into `page`, and its charts beside it.
pub fn write(results: &Path, page: &Path) -> Result<()> {
    let runs = Runs::read(results)?;
    let name = |path: &Path| format!("cannot write {}", path.display());
    let mut text =
        fs::read_to_string(page).wrap_err_with(|| format!("reading {}", page.display()))?;
    for (part, content) in
        [("machine", machine(&runs)), ("table", table(&runs)), ("growth", growth(&runs))]
    {
        text = replaced(&text, part, &content)
            .ok_or_eyre(format!("{} has no part {part}", page.display()))?;
    }
    fs::write(page, text).wrap_err_with(|| name(page))?;
    for (file, chart) in charts(&runs) {
        let path = page.with_file_name(file);
        fs::write(&path, chart).wrap_err_with(|| name(&path))?;
    }
    Ok(())
}

/// The text with another content between the marks of a part.
fn replaced(text: &str, part: &str, content: &str) -> Option<String> {
    let begin = format!("<!-- begin {part} -->\n");
    let start = text.find(&begin)? + begin.len();
    let end = start + text[start..].find(&format!("<!-- end {part} -->"))?;
    Some(format!("{}{content}{}", &text[..start], &text[end..]))
}

fn machine(runs: &Runs) -> String {
    let (checked, bad) = runs.counts();
    let mut lines: Vec<String> = ["date", "commit", "machine", "system", "versions", "others"]
        .iter()
        .map(|what| format!("- {what}: {}\n", runs.about(what)))
        .collect();
    lines.push(format!("- runs whose messages were checked: {checked}, with a fault: {bad}\n"));
    lines.concat()
}

fn table(runs: &Runs) -> String {
    let mut text = String::from(
        "| what | chatd | InspIRCd | ngIRCd | chatd to the best | due | generator busy |\n\
         | --- | --: | --: | --: | --: | --- | --: |\n",
    );
    for row in ROWS {
        text.push_str(&line(runs, row));
    }
    text
}

fn line(runs: &Runs, row: &Row) -> String {
    let of = |server| runs.median(row.name, server, row.path);
    let ours = of(US);
    let peers = PEERS.map(of);
    let best = match row.due {
        Due::AtLeastTimes(_) | Due::More => peers.iter().flatten().copied().reduce(f64::max),
        _ => least(&peers),
    };
    let ratio = ours.zip(best).map(|(ours, best)| ours / best);
    let (due, is_met) = match row.due {
        Due::AtMostTimes(times) => (format!("<= {times} x"), ratio.map(|ratio| ratio <= times)),
        Due::AtLeastTimes(times) => (format!(">= {times} x"), ratio.map(|ratio| ratio >= times)),
        Due::AtMost(most) => (format!("<= {}", number(most)), ours.map(|ours| ours <= most)),
        Due::AtMostOf(most) => most(runs).map_or((String::new(), None), |most| {
            (format!("<= {}", number(most)), ours.map(|ours| ours <= most))
        }),
        Due::Less | Due::More => (String::new(), None),
    };
    let verdict = is_met.map_or("", |is_met| if is_met { " yes" } else { " **no**" });
    let cell = |figure: Option<f64>| figure.map_or("-".into(), number);
    let busy = runs.median(row.name, US, "busy").map(|busy| format!("{:.0} %", busy * 100.0));
    format!(
        "| {} | {} | {} | {} | {} | {due}{verdict} | {} |\n",
        row.what,
        cell(ours),
        cell(peers[0]),
        cell(peers[1]),
        cell(ratio),
        busy.unwrap_or_default(),
    )
}

/// What is drawn over something that grows: file, title, axis, runs, and the two figures.
const GROWTH: &[(&str, &str, &str, &str, &str, &str)] = &[
    (
        "members.svg",
        "CPU per delivery, us",
        "members of the room",
        "grow-members",
        "members",
        "cpu_us_per_delivery",
    ),
    (
        "memory.svg",
        "Resident KiB per connection",
        "connections",
        "grow-idle",
        "connections",
        "resident_kib_per_connection",
    ),
    (
        "commits.svg",
        "Latency p50 (us), one message under way in each room",
        "rooms",
        "grow-commits",
        "rooms",
        "latency_us.p50",
    ),
    (
        "history.svg",
        "CPU to read 50 messages, us",
        "messages in the room",
        "history",
        "messages",
        "cpu_us_per_read",
    ),
];

fn growth(runs: &Runs) -> String {
    let mut text = String::new();
    for (_, title, along, name, x, y) in GROWTH {
        let points = runs.line(name, US, x, y);
        let head: Vec<String> = points.iter().map(|(x, _)| format!(" {} |", number(*x))).collect();
        let rule: Vec<&str> = points.iter().map(|_| " --: |").collect();
        let row: Vec<String> = points.iter().map(|(_, y)| format!(" {} |", number(*y))).collect();
        text.push_str(&format!(
            "| {along} |{}\n| --- |{}\n| {title} |{}\n\n",
            head.concat(),
            rule.concat(),
            row.concat()
        ));
    }
    let figure = |name, server, path| runs.median(name, server, path).map_or("-".into(), number);
    text.push_str(&format!(
        "- {} connections from two processes: {} KiB each.\n",
        figure("idle-two", US, "connections"),
        figure("idle-two", US, "resident_kib_per_connection"),
    ));
    text.push_str(&format!(
        "- A bare append of 4 KiB and fdatasync on this disk: p50 {} us, p99 {} us.\n",
        figure("disk", "disk", "latency_us.p50"),
        figure("disk", "disk", "latency_us.p99"),
    ));
    text.push_str(&format!(
        "- A flood on one core: {} deliveries a second, {} us each. On two, of which the generator has \
         {} of one: {}, {} us each, on {} cores. Of 500 members 20 check what they hear.\n",
        figure("flood-one", US, "deliveries_per_s"),
        figure("flood-one", US, "cpu_us_per_delivery"),
        figure("flood-two", US, "busy"),
        figure("flood-two", US, "deliveries_per_s"),
        figure("flood-two", US, "cpu_us_per_delivery"),
        figure("flood-two", US, "server_cores"),
    ));
    text
}

fn charts(runs: &Runs) -> Vec<(String, String)> {
    let all = || [US].into_iter().chain(PEERS);
    let lines = GROWTH.iter().map(|(file, title, along, name, x, y)| {
        let of =
            |server: &str| Series { name: server.into(), points: runs.line(name, server, x, y) };
        let series: Vec<Series> =
            all().map(of).filter(|series| !series.points.is_empty()).collect();
        (format!("performance-{file}"), chart::lines(title, along, &series))
    });
    let names = ["flood", "rooms-8", "rooms-2000", "fanout"];
    let of = |server: &str| {
        let figures = names.iter().enumerate().filter_map(|(at, name)| {
            Some((at as f64, runs.median(name, server, "cpu_us_per_delivery")?))
        });
        Series { name: server.into(), points: figures.collect() }
    };
    let places = ["flood", "rooms, 8 under way", "rooms, 2,000/s", "500 at 20/s"];
    let series: Vec<Series> = all().map(of).collect();
    let bars = chart::bars("Server CPU per delivery, us", &places, &series);
    lines.chain([("performance-cpu.svg".into(), bars)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_page_is_replaced_and_the_rest_stays() {
        let page = "a\n<!-- begin x -->\nold\n<!-- end x -->\nb\n";
        let new = "a\n<!-- begin x -->\nnew\n<!-- end x -->\nb\n";
        assert_eq!(replaced(page, "x", "new\n").as_deref(), Some(new));
        assert_eq!(replaced(page, "y", ""), None);
    }

    #[test]
    fn a_line_says_whether_the_due_is_met() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("results");
        let run = |server: &str, cpu: f64| {
            format!(
                "{{\"name\":\"flood\",\"server\":\"{server}\",\"busy\":0.5,\
                 \"cpu_us_per_delivery\":{cpu}}}\n"
            )
        };
        let text = [run("chatd", 0.3), run("InspIRCd", 0.7), run("ngIRCd", 1.5)].concat();
        fs::write(&file, text).unwrap();
        let runs = Runs::read(&file).unwrap();
        let row = |due| row("flood", "flood", "cpu_us_per_delivery", due);
        let met = "| flood | 0.30 | 0.70 | 1.50 | 0.43 | <= 0.5 x yes | 50 % |\n";
        assert_eq!(line(&runs, &row(Due::AtMostTimes(0.5))), met);
        let missed = "| flood | 0.30 | 0.70 | 1.50 | 0.43 | <= 0.20 **no** | 50 % |\n";
        assert_eq!(line(&runs, &row(Due::AtMost(0.2))), missed);
    }
}
