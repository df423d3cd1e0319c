//! The catalogue that is shipped with `proto` is what the registry says.

use commands::catalogue;
use expect_test::expect_file;
use proto::Catalogue;

/// A client that cannot ask its server falls back on the shipped one: a command that is
/// missing there is one that its user is told does not exist.
#[test]
fn the_shipped_catalogue_is_what_the_registry_says() {
    let json = serde_json::to_string_pretty(&catalogue()).expect("a catalogue is JSON") + "\n";
    // Commit what `UPDATE_EXPECT=1 cargo test -p commands --test catalogue` writes.
    expect_file!["../../proto/catalogue.json"].assert_eq(&json);
    assert_eq!(serde_json::from_str::<Catalogue>(&json).expect("it reads back"), *catalogue());
}

#[test]
fn the_shipped_catalogue_reads_back() {
    assert!(
        Catalogue::shipped() == *catalogue(),
        "run UPDATE_EXPECT=1 cargo test -p commands --test catalogue, then build again"
    );
}
