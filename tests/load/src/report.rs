//! What came out: as JSON for programs, and as a line for people.

use serde::Serialize;

use crate::check::Faults;
use crate::latency::Percentiles;

/// The figures of one run; those that it does not have are left out.
#[derive(Debug, Default, Serialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct Report {
    pub scenario: String,
    /// What the run is called, among others of the same scenario.
    pub name: String,
    /// What the server is called in tables.
    pub server: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rooms: Option<usize>,
    /// Of each room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections: Option<usize>,
    /// Texts that each speaker had under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub under_way: Option<usize>,
    /// Texts that were said, or that are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages_per_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deliveries: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deliveries_per_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reads: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_us_per_delivery: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_us_per_message: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_us_per_connect: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_us_per_enter: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_us_per_read: Option<f64>,
    /// CPU time of the server over the time that passed: 1 is one core.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_cores: Option<f64>,
    /// From saying to hearing; or of what the scenario waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_us: Option<Percentiles>,
    /// The same before the storm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usual_latency_us: Option<Percentiles>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resident_kib_per_connection: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resident_kib: Option<u64>,
    /// Until all were back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub back_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall_s: Option<f64>,
    /// How busy the generator was: near 1 it was the limit, and not the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub busy: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faults: Option<Faults>,
    /// What the server refused, if it refused something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

impl Report {
    /// Is all well that was checked?
    pub fn is_well(&self) -> bool {
        self.refused.is_none() && self.faults.is_none_or(|faults| faults == Faults::default())
    }

    /// One line of JSON.
    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("figures and names are JSON")
    }

    /// One line for people: all figures that there are.
    pub fn line(&self) -> String {
        let mut line = format!("{} {}:", self.server, self.name);
        let mut say = |what: &str, value: Option<f64>, digits: usize| {
            if let Some(value) = value {
                line.push_str(&format!(" {value:.digits$} {what},"));
            }
        };
        say("members", self.members.map(|n| n as f64), 0);
        say("connections", self.connections.map(|n| n as f64), 0);
        say("messages/s", self.messages_per_s, 0);
        say("deliveries/s", self.deliveries_per_s, 0);
        say("us CPU per delivery", self.cpu_us_per_delivery, 3);
        say("us CPU per message", self.cpu_us_per_message, 1);
        say("us CPU per connect", self.cpu_us_per_connect, 0);
        say("us CPU per entering", self.cpu_us_per_enter, 0);
        say("us CPU per read", self.cpu_us_per_read, 0);
        say("KiB per connection", self.resident_kib_per_connection, 2);
        say("s until all are back", self.back_s, 1);
        say("retries", self.retries.map(|n| n as f64), 0);
        for (what, latency) in [("usual", self.usual_latency_us), ("latency", self.latency_us)] {
            if let Some(Percentiles { p50, p99, p999, max }) = latency {
                line.push_str(&format!(
                    " {what} p50 {p50:.0} p99 {p99:.0} p99.9 {p999:.0} max {max:.0} us,"
                ));
            }
        }
        if let Some(busy) = self.busy {
            line.push_str(&format!(" generator busy {:.0} %,", busy * 100.0));
        }
        match (&self.refused, self.faults) {
            (Some(why), _) => line.push_str(&format!(" REFUSED {why}")),
            (None, Some(faults)) if !self.is_well() => line.push_str(&format!(" {faults:?}")),
            (None, Some(_)) => line.push_str(" nothing lost, doubled or out of order"),
            (None, None) => {}
        }
        line.trim_end_matches(',').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_measured_is_told() {
        let report = Report {
            name: "flood".into(),
            server: "chatd".into(),
            cpu_us_per_delivery: Some(0.25),
            faults: Some(Faults { lost: 2, ..Faults::default() }),
            ..Report::default()
        };
        let line = "chatd flood: 0.250 us CPU per delivery, \
                    Faults { lost: 2, late: 0, differ: 0, ended: 0 }";
        assert_eq!(report.line(), line);
        assert!(!report.is_well());
        assert!(report.json().contains(r#""cpu_us_per_delivery":0.25,"faults":{"lost":2"#));
        assert!(!report.json().contains("reads"));
    }
}
