//! Which crate may know which: the layers are kept, and the libraries stay where they
//! belong.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};

/// What of our own each crate may use, dev-dependencies apart.
const LAYERS: &[(&str, &[&str])] = &[
    ("proto", &[]),
    ("certs", &[]),
    ("commands", &["proto"]),
    ("chatd", &["proto", "commands", "certs"]),
    ("chatsh", &["proto", "certs"]),
    ("tests", &["proto", "certs"]),
    // Seen by the server as any client: it knows the wire only.
    ("load", &["proto", "certs"]),
    // The example of a command from outside.
    ("roll", &["proto", "commands", "chatd"]),
];

/// Libraries that only these crates may name, dev-dependencies apart.
const HOMES: &[(&str, &[&str])] = &[
    ("rusqlite", &["chatd"]),
    ("scrypt", &["chatd"]),
    ("rustyline", &["chatsh"]),
    ("rcgen", &["certs"]),
    ("inventory", &["commands"]),
];

/// What does input and output, or waits for it: nothing for those who have no world.
const WORLDLY: &[&str] = &[
    "async-io",
    "async-net",
    "async-executor",
    "async-rustls",
    "futures-rustls",
    "mio",
    "polling",
    "rusqlite",
    "libsqlite3-sys",
    "rustls",
    "rustix",
    "smol",
    "socket2",
    "tokio",
];

static METADATA: LazyLock<Metadata> = LazyLock::new(|| {
    let mut command = MetadataCommand::new();
    command.manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"));
    // What other systems would need is not here, and need not be.
    let host = std::process::Command::new("rustc").arg("-vV").output().unwrap();
    let host = String::from_utf8(host.stdout).unwrap();
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    command.other_options(vec!["--locked".into(), "--filter-platform".into(), host.into()]);
    command.exec().unwrap()
});

fn ours() -> BTreeMap<&'static str, &'static Package> {
    METADATA.workspace_packages().into_iter().map(|p| (p.name.as_str(), p)).collect()
}

/// What a crate names in its manifest, dev-dependencies apart.
fn named(package: &'static Package) -> BTreeSet<&'static str> {
    let normal = package.dependencies.iter().filter(|d| d.kind != DependencyKind::Development);
    normal.map(|dependency| dependency.name.as_str()).collect()
}

/// All that is linked into a crate, itself included.
fn linked(package: &Package) -> BTreeSet<&'static str> {
    let nodes = &METADATA.resolve.as_ref().unwrap().nodes;
    let mut seen: BTreeSet<&PackageId> = BTreeSet::new();
    let mut waiting = vec![&package.id];
    while let Some(id) = waiting.pop() {
        if !seen.insert(id) {
            continue;
        }
        let node = nodes.iter().find(|node| node.id == *id).unwrap();
        let normal = |kinds: &[cargo_metadata::DepKindInfo]| {
            kinds.iter().any(|kind| kind.kind == DependencyKind::Normal)
        };
        let deps = node.deps.iter().filter(|dep| normal(&dep.dep_kinds));
        waiting.extend(deps.map(|dep| &dep.pkg));
    }
    seen.into_iter().map(|id| METADATA[id].name.as_str()).collect()
}

#[test]
fn the_crates_are_those_of_the_layout() {
    let expected: BTreeSet<&str> = LAYERS.iter().map(|(name, _)| *name).collect();
    assert_eq!(ours().into_keys().collect::<BTreeSet<_>>(), expected);
}

#[test]
fn a_crate_knows_only_the_layers_below_it() {
    let ours = ours();
    for (name, below) in LAYERS {
        let used = named(ours[name]).into_iter().filter(|dep| ours.contains_key(dep));
        for dep in used {
            assert!(below.contains(&dep), "{name} must not know {dep}");
        }
    }
    // Not through anything else either.
    assert!(!linked(ours["chatsh"]).contains("commands"));
}

#[test]
fn a_library_is_named_only_where_it_belongs() {
    for (name, package) in ours() {
        for dep in named(package) {
            let home = HOMES.iter().find(|(library, _)| *library == dep);
            assert!(home.is_none_or(|(_, homes)| homes.contains(&name)), "{name} names {dep}");
        }
    }
}

#[test]
fn what_the_words_mean_needs_no_sockets_and_no_runtime() {
    for name in ["proto", "commands"] {
        let linked = linked(ours()[name]);
        let worldly: Vec<_> = WORLDLY.iter().filter(|dep| linked.contains(**dep)).collect();
        assert!(worldly.is_empty(), "{name} is linked with {worldly:?}");
    }
}

#[test]
fn there_is_no_tokio_in_the_programs() {
    for name in ["chatd", "chatsh"] {
        let linked = linked(ours()[name]);
        assert!(linked.contains("smol"), "{name}: {linked:?}");
        let tokio: Vec<_> = linked.iter().filter(|dep| dep.starts_with("tokio")).collect();
        assert!(tokio.is_empty(), "{name} is linked with {tokio:?}");
    }
}

#[test]
fn there_is_one_rustls_and_it_is_new_enough() {
    let all = METADATA.packages.iter().filter(|package| package.name.as_str() == "rustls");
    let versions: Vec<_> = all.map(|package| package.version.clone()).collect();
    assert_eq!(versions.len(), 1, "{versions:?}");
    // RUSTSEC-2026-0285.
    assert!(versions[0] >= cargo_metadata::semver::Version::new(0, 23, 45), "{versions:?}");
    let providers = METADATA.packages.iter().filter(|p| p.name.starts_with("aws-lc"));
    assert_eq!(providers.count(), 0, "ring is the only provider");
}

#[test]
fn unsafe_code_is_forbidden_everywhere() {
    let root = std::fs::read_to_string(METADATA.workspace_root.join("Cargo.toml")).unwrap();
    assert!(root.contains("unsafe_code = \"forbid\""), "in the workspace");
    for (name, package) in ours() {
        let manifest = std::fs::read_to_string(&package.manifest_path).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{name}");
    }
}

#[test]
fn versions_stand_in_the_root_manifest() {
    for (name, package) in ours() {
        let manifest = std::fs::read_to_string(&package.manifest_path).unwrap();
        let stray = manifest.lines().find(|line| {
            let dependency = line.split_once(" = ").is_some_and(|(_, value)| {
                value.starts_with('"') && value[1..].starts_with(|c: char| c.is_ascii_digit())
            });
            dependency || line.contains("{ version")
        });
        assert_eq!(stray, None, "{name}");
    }
}
