//! The identity of a chat server, for both ends.
//!
//! A server is its key: chatd makes one and keeps it ([`Identity`]), people compare it
//! by its [`Fingerprint`], and chatsh recognises it by a pin, by a CA or by what it
//! has met before ([`Trust`], [`KnownHosts`]). Both ends get their rustls configuration
//! from here, so what is checked before the first byte is written down in one place.
//!
//! Not here: sockets, the runtime, and asking people. Whoever connects looks at the
//! [`Verdict`] and decides. Everything here blocks on small files at most.

mod fingerprint;
mod identity;
mod known_hosts;
mod local;
mod trust;
mod whole_file;

pub use fingerprint::{Fingerprint, FingerprintError};
pub use identity::{Identity, IdentityError};
pub use known_hosts::{KnownHosts, KnownHostsError};
pub use local::local_fingerprint;
pub use trust::{Judge, Trust, TrustError, TrustFileError, Verdict, client_config, explain};
