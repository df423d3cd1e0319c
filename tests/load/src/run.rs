//! From the command line to a report: each scenario, from the pieces that it is made of.

use std::time::Duration;

use color_eyre::eyre::{Result, bail};

use crate::crowd::Crowd;
use crate::meter::Meter;
use crate::options::{Options, Scenario, Server, Size};
use crate::report::Report;
use crate::talk::{Pace, Plan, Talk, Until};
use crate::target::Tls;
use crate::tongue::Person;
use crate::{accounts, disk, entrance, history, idle, page, storm};

/// Does what the command line says.
///
/// # Errors
/// A server that is not there or does not do its part; and messages that went astray.
pub fn run(options: Options) -> Result<()> {
    let Options { label, name, accounts, scenario } = options;
    if let Scenario::Page { results, page } = &scenario {
        return page::write(results, page);
    }
    let people = |tls: &Tls, count| accounts::people(tls, count, accounts.as_deref());
    let (scenario, mut report, held) = measure(scenario, &people)?;
    report.scenario = scenario.into();
    report.name = name.unwrap_or_else(|| scenario.into());
    report.server = label;
    eprintln!("{}", report.line());
    println!("{}", report.json());
    held.map_or(Ok(()), |mut crowd| idle::hold(&mut crowd))?;
    match report.is_well() {
        true => Ok(()),
        false => bail!("messages went astray"),
    }
}

type People<'a> = &'a dyn Fn(&Tls, usize) -> Result<Vec<Person>>;

/// The name of the scenario, what came out, and a crowd that shall stay.
fn measure(
    scenario: Scenario,
    people: People<'_>,
) -> Result<(&'static str, Report, Option<Crowd>)> {
    let plan = |rooms, members, speakers, pace, size: &Size| Plan {
        rooms,
        members,
        speakers,
        stalled: 0,
        deaf: 0,
        pace,
        text_bytes: size.text_bytes,
    };
    let report = |name, report: Result<Report>| report.map(|report| (name, report, None));
    match scenario {
        Scenario::Pingpong { server, size } => {
            let plan = plan(1, 2, 1, Pace::UnderWay(1), &size);
            report("pingpong", talk(&server, people, plan, size.until()))
        }
        Scenario::Fanout { server, size, members, rate } => {
            let plan = plan(1, members, 1, Pace::PerSecond(rate), &size);
            report("fanout", talk(&server, people, plan, size.until()))
        }
        Scenario::Flood { server, size, members, speakers, under_way, deaf } => {
            let speakers = speakers.min(members - deaf);
            let plan = plan(1, members, speakers, Pace::UnderWay(under_way), &size);
            report("flood", talk(&server, people, Plan { deaf, ..plan }, size.until()))
        }
        Scenario::Stalled { server, size, members, stalled } => {
            let plan = plan(1, members, 8.min(members - stalled), Pace::UnderWay(32), &size);
            report("stalled", talk(&server, people, Plan { stalled, ..plan }, size.until()))
        }
        Scenario::Rooms { server, size, rooms, members, under_way, rate } => {
            let pace = rate.map_or(Pace::UnderWay(under_way), Pace::PerSecond);
            let plan = plan(rooms, members, 1, pace, &size);
            report("rooms", talk(&server, people, plan, size.until()))
        }
        Scenario::Idle { server, connections, first, hold } => {
            let (report, crowd) = idle(&server, people, connections, first)?;
            Ok(("idle", report, hold.then_some(crowd)))
        }
        Scenario::Storm { server, seconds, connections } => {
            let tls = server.server.tls()?;
            let all = people(&tls, connections + 2)?;
            let calm = Duration::from_secs_f64(seconds);
            report("storm", storm::run(&tls, &Meter::new(server.pid), &all, calm))
        }
        Scenario::Accounts { server, count } => {
            let made = people(&server.server.tls()?, count)?.len();
            report("accounts", Ok(Report { connections: Some(made), ..Report::default() }))
        }
        Scenario::Register { server, count } => {
            accounts::register(&server.server.tls()?, count)?;
            report("register", Ok(Report { connections: Some(0), ..Report::default() }))
        }
        Scenario::Fill { server, messages } => {
            let size = Size { seconds: 0.0, text_bytes: 64 };
            let plan = plan(1, 4, 4, Pace::UnderWay(60), &size);
            report("fill", talk(&server, people, plan, Until::Said(messages)))
        }
        Scenario::History { server, messages, reads } => {
            let tls = server.server.tls()?;
            let mut crowd = Crowd::new(&tls, 1)?;
            entrance::log_in(&mut crowd, &people(&tls, 1)?)?;
            let meter = Meter::new(server.pid);
            report("history", history::run(&mut crowd, &meter, messages, reads))
        }
        Scenario::Page { .. } => bail!("a page is no load"),
        Scenario::Disk { folder, writes } => report("disk", disk::run(&folder, writes)),
    }
}

impl Size {
    fn until(&self) -> Until {
        Until::Passed(Duration::from_secs_f64(self.seconds))
    }
}

fn idle(
    server: &Server,
    people: People<'_>,
    connections: usize,
    first: usize,
) -> Result<(Report, Crowd)> {
    let tls = server.server.tls()?;
    let all = people(&tls, first + connections)?;
    let mut crowd = Crowd::new(&tls, connections)?;
    let report = idle::run(&mut crowd, &Meter::new(server.pid), &all[first..])?;
    Ok((report, crowd))
}

/// Fills the rooms, and lets people talk there.
fn talk(server: &Server, people: People<'_>, plan: Plan, until: Until) -> Result<Report> {
    let tls = server.server.tls()?;
    let meter = Meter::new(server.pid);
    let people = people(&tls, plan.clients())?;
    let mut crowd = Crowd::new(&tls, plan.clients())?;
    let idle = idle::run(&mut crowd, &meter, &people)?;
    let lap = meter.lap()?;
    entrance::enter(&mut crowd, |who| plan.room_of(who))?;
    let entering = meter.since(&lap)?;
    for who in (0..plan.clients()).filter(|who| plan.is_stalled(*who)) {
        crowd.stall(who)?;
    }
    for who in (0..plan.clients()).filter(|who| plan.is_deaf(*who)) {
        crowd.deafen(who);
    }
    let mut talk = Talk::new(plan, tls.target.tongue.hears_itself());
    let lap = meter.lap()?;
    talk.run(&mut crowd, until)?;
    let used = meter.since(&lap)?;
    // Every text has as many bytes in clear, at least.
    let unheard = crowd.discarded() / plan.text_bytes as u64;
    let deliveries = talk.deliveries + (plan.deaf * talk.said).min(unheard as usize);
    let cpu_us = used.server.as_secs_f64() * 1e6;
    let seconds = used.wall.as_secs_f64();
    Ok(Report {
        rooms: Some(plan.rooms),
        members: Some(plan.members),
        under_way: match plan.pace {
            Pace::UnderWay(under_way) => Some(under_way),
            Pace::PerSecond(_) => None,
        },
        messages: Some(talk.said),
        messages_per_s: Some(talk.said as f64 / seconds),
        deliveries: Some(deliveries),
        deliveries_per_s: Some(deliveries as f64 / seconds),
        cpu_us_per_delivery: Some(cpu_us / deliveries.max(1) as f64),
        cpu_us_per_message: Some(cpu_us / talk.said.max(1) as f64),
        cpu_us_per_enter: Some(entering.server.as_secs_f64() * 1e6 / plan.clients() as f64),
        server_cores: Some(used.server.as_secs_f64() / seconds),
        latency_us: talk.latency.percentiles(),
        resident_kib: Some(meter.resident_kib()?),
        wall_s: Some(seconds),
        busy: Some(used.busy),
        faults: Some(talk.faults()),
        refused: talk.refused,
        ..idle
    })
}
