//! Passwords into hashes: slow on purpose, so only a few at a time.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_lock::Semaphore;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use proto::Password;
use scrypt::password_hash::phc::PasswordHash;
use scrypt::password_hash::{CustomizedPasswordHasher, PasswordVerifier};
use scrypt::{Params, Scrypt};

use crate::{config, random};

/// Hashes that may wait for their turn: at a third of a second each, whoever comes
/// later would wait ten seconds, and is better told to come back.
const QUEUE_MAX: usize = 32;

/// Bytes of salt: what the PHC format advises.
const SALT_BYTES: usize = 16;

/// Why there is no hash.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// Too many wait already.
    #[error("too many passwords wait to be hashed")]
    Busy,
    /// It cannot be done at all.
    #[error("{0}")]
    Failed(String),
}

/// Hashes passwords with scrypt, at one cost for new ones.
pub struct Hasher {
    params: Params,
    /// `$scrypt$ln=15,r=8,p=3`: what the hashes of today's cost begin with.
    prefix: String,
    /// What an unknown user's password is held against, so that it costs the same.
    nobody: String,
    permits: Semaphore,
    under_way: AtomicUsize,
}

impl Hasher {
    /// One core is left for everybody else, where there is more than one.
    ///
    /// # Errors
    /// When scrypt cannot work with these parameters.
    pub fn new(password: config::Password) -> Result<Hasher, HashError> {
        let config::Password { log_n, r, p, .. } = password;
        let params = Params::new(log_n, r, p).map_err(|e| HashError::Failed(e.to_string()))?;
        let prefix = format!("$scrypt$ln={log_n},r={r},p={p}$");
        let salt = STANDARD_NO_PAD.encode(random::bytes::<SALT_BYTES>());
        let hash = STANDARD_NO_PAD.encode(random::bytes::<{ Params::RECOMMENDED_LEN }>());
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Hasher {
            params,
            nobody: format!("{prefix}{salt}${hash}"),
            prefix,
            permits: Semaphore::new(cores.saturating_sub(1).max(1)),
            under_way: AtomicUsize::new(0),
        })
    }

    /// The hash of a new password, with its parameters and salt (a PHC string).
    ///
    /// # Errors
    /// [`HashError::Busy`] when too many wait.
    pub async fn hash(&self, password: Password) -> Result<String, HashError> {
        let params = self.params;
        self.work(move || {
            let salt = random::bytes::<SALT_BYTES>();
            Scrypt::new()
                .hash_password_with_params(password.expose().as_bytes(), &salt, params)
                .map(|hash: PasswordHash| hash.to_string())
                .map_err(|e| HashError::Failed(e.to_string()))
        })
        .await
    }

    /// Is it the password of this hash? Without a hash it is not, after the same work.
    ///
    /// # Errors
    /// [`HashError::Busy`] when too many wait.
    pub async fn verify(
        &self,
        password: Password,
        hash: Option<String>,
    ) -> Result<bool, HashError> {
        let is_somebody = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.clone());
        let is_right = self.work(move || {
            let hash = PasswordHash::new(&hash).map_err(|e| HashError::Failed(e.to_string()))?;
            Ok(Scrypt::new().verify_password(password.expose().as_bytes(), &hash).is_ok())
        });
        Ok(is_right.await? && is_somebody)
    }

    /// Was the hash made at another cost than new ones are?
    pub fn is_outdated(&self, hash: &str) -> bool {
        !hash.starts_with(&self.prefix)
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let _place = Place::take(&self.under_way)?;
        let _permit = self.permits.acquire().await;
        smol::unblock(work).await
    }
}

/// A place in the queue, given back however the work ends.
struct Place<'a>(&'a AtomicUsize);

impl Place<'_> {
    fn take(under_way: &AtomicUsize) -> Result<Place<'_>, HashError> {
        let place = Place(under_way);
        match under_way.fetch_add(1, Ordering::Relaxed) {
            before if before > QUEUE_MAX => Err(HashError::Busy),
            _ => Ok(place),
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    fn cheap(log_n: u8) -> Hasher {
        Hasher::new(config::Password { min_length: 4, log_n, r: 1, p: 1 }).unwrap()
    }

    fn password(text: &str) -> Password {
        Password::new(Zeroizing::new(text.into())).unwrap()
    }

    #[test]
    fn only_the_right_password_of_somebody_is_right() {
        smol::block_on(async {
            let hasher = cheap(4);
            let hash = hasher.hash(password("1234")).await.unwrap();
            assert!(hash.starts_with("$scrypt$ln=4,r=1,p=1$"), "{hash}");
            assert!(hasher.verify(password("1234"), Some(hash.clone())).await.unwrap());
            assert!(!hasher.verify(password("1235"), Some(hash.clone())).await.unwrap());
            assert!(!hasher.verify(password("1234"), None).await.unwrap());
            assert_ne!(hash, hasher.hash(password("1234")).await.unwrap());
        });
    }

    #[test]
    fn an_older_cost_still_opens_and_is_outdated() {
        smol::block_on(async {
            let old = cheap(4).hash(password("1234")).await.unwrap();
            let now = cheap(5);
            assert!(now.verify(password("1234"), Some(old.clone())).await.unwrap());
            assert!(now.is_outdated(&old));
            assert!(!now.is_outdated(&now.hash(password("1234")).await.unwrap()));
        });
    }

    #[test]
    fn who_comes_when_the_queue_is_full_is_told_so() {
        smol::block_on(async {
            let hasher = cheap(4);
            hasher.under_way.store(QUEUE_MAX + 1, Ordering::Relaxed);
            assert!(matches!(hasher.hash(password("1234")).await, Err(HashError::Busy)));
            assert_eq!(hasher.under_way.load(Ordering::Relaxed), QUEUE_MAX + 1);
            hasher.under_way.store(0, Ordering::Relaxed);
            assert!(hasher.hash(password("1234")).await.is_ok());
        });
    }
}
