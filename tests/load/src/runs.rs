//! The reports of many runs, and the one figure that several of them come to.

use std::fs;
use std::path::Path;

use color_eyre::eyre::{Result, WrapErr};
use serde_json::Value;

/// All reports of one comparison.
pub struct Runs(Vec<Value>);

impl Runs {
    /// Reads a report a line.
    pub fn read(file: &Path) -> Result<Runs> {
        let text =
            fs::read_to_string(file).wrap_err_with(|| format!("reading {}", file.display()))?;
        Runs::parse(&text).wrap_err_with(|| format!("{} is no list of reports", file.display()))
    }

    fn parse(text: &str) -> Result<Runs> {
        Ok(Runs(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?))
    }

    /// The figure that runs of one name came to with one server, as their median; its path
    /// is like `latency_us.p99`.
    pub fn median(&self, name: &str, server: &str, path: &str) -> Option<f64> {
        median(self.of(name, server).filter_map(|run| figure(run, path)).collect())
    }

    /// The same for each value of another figure, smallest first: what a chart draws.
    pub fn line(&self, name: &str, server: &str, along: &str, path: &str) -> Vec<(f64, f64)> {
        let mut steps: Vec<f64> =
            self.of(name, server).filter_map(|run| figure(run, along)).collect();
        steps.sort_by(f64::total_cmp);
        steps.dedup();
        let point = |step: f64| {
            let there = self.of(name, server).filter(|run| figure(run, along) == Some(step));
            Some((step, median(there.filter_map(|run| figure(run, path)).collect())?))
        };
        steps.into_iter().filter_map(point).collect()
    }

    /// A text that one of the lines says about all.
    pub fn about(&self, what: &str) -> &str {
        self.0.iter().find_map(|run| run["about"][what].as_str()).unwrap_or("unknown")
    }

    /// How many runs there were, and how many of them were not well.
    pub fn counts(&self) -> (usize, usize) {
        let checked = self.0.iter().filter(|run| run["faults"].is_object());
        let is_bad = |run: &&Value| {
            let faults = run["faults"].as_object();
            faults.is_some_and(|faults| faults.values().any(|n| n != 0))
                || !run["refused"].is_null()
        };
        (checked.clone().count(), checked.filter(is_bad).count())
    }

    fn of<'a>(&'a self, name: &'a str, server: &'a str) -> impl Iterator<Item = &'a Value> {
        self.0.iter().filter(move |run| run["name"] == name && run["server"] == server)
    }
}

fn figure(run: &Value, path: &str) -> Option<f64> {
    path.split('.').fold(run, |value, key| &value[key]).as_f64()
}

/// The one in the middle; of an even number, the mean of the two.
fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    let upper = *figures.get(figures.len() / 2)?;
    let lower = figures[(figures.len() - 1) / 2];
    Some((upper + lower) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_one_in_the_middle() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![5.0]), Some(5.0));
        assert_eq!(median(vec![9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![1.0, 2.0, 9.0, 4.0]), Some(3.0));
    }

    #[test]
    fn runs_are_found_by_name_and_server() {
        let runs = Runs::parse(concat!(
            "{\"about\":{\"cpu\":\"one\"}}\n",
            "{\"name\":\"grow\",\"server\":\"chatd\",\"members\":10,\"latency_us\":{\"p50\":3}}\n",
            "{\"name\":\"grow\",\"server\":\"chatd\",\"members\":10,\"latency_us\":{\"p50\":5}}\n",
            "{\"name\":\"grow\",\"server\":\"chatd\",\"members\":2,\"latency_us\":{\"p50\":1}}\n",
            "{\"name\":\"grow\",\"server\":\"other\",\"members\":2,\"faults\":{\"lost\":1}}\n",
        ))
        .unwrap();
        assert_eq!(runs.median("grow", "chatd", "latency_us.p50"), Some(3.0));
        assert_eq!(runs.median("grow", "nobody", "members"), None);
        let line = runs.line("grow", "chatd", "members", "latency_us.p50");
        assert_eq!(line, [(2.0, 1.0), (10.0, 4.0)]);
        assert_eq!((runs.about("cpu"), runs.counts()), ("one", (1, 1)));
    }
}
