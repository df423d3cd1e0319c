//! Random numbers, from where TLS has its own.

/// As random as a secret has to be.
pub(crate) fn bits() -> u128 {
    let mut bytes = [0; 16];
    let random = rustls::crypto::ring::default_provider().secure_random;
    random.fill(&mut bytes).expect("without random numbers there is no TLS connection either");
    u128::from_ne_bytes(bytes)
}

/// A number from 0 to 1.
pub(crate) fn fraction() -> f64 {
    bits() as u32 as f64 / f64::from(u32::MAX)
}
