//! A server's fingerprint: the short text by which people compare keys.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rustls::pki_types::CertificateDer;
use rustls::server::ParsedCertificate;
use sha2::{Digest, Sha256};

/// The SHA-256 of a public key (SubjectPublicKeyInfo, DER).
///
/// Written as `SHA256:` and 43 digits of standard base64. It names the key, not the
/// certificate, so it outlives every renewal.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

/// Why something is not, or has no, fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FingerprintError {
    /// The text names no algorithm, or one that we do not know.
    #[error("a fingerprint starts with \"{PREFIX}\"")]
    Prefix,
    /// Cut off when it was copied, or a hash of another kind.
    #[error("a fingerprint has {DIGITS} digits after \"{PREFIX}\", not {len}")]
    Length {
        /// How many there are, in bytes.
        len: usize,
    },
    /// The digits do not stand for 32 bytes.
    #[error("the digits of the fingerprint are not base64")]
    Digits,
    /// No key can be read from the certificate.
    #[error("the certificate cannot be read: {0}")]
    Certificate(String),
}

const PREFIX: &str = "SHA256:";

/// 32 bytes in base64, without the padding.
const DIGITS: usize = 43;

impl Fingerprint {
    /// The fingerprint of the key in `certificate`.
    ///
    /// # Errors
    /// [`FingerprintError::Certificate`] for what is not an X.509 certificate of version 3.
    pub fn of_certificate(certificate: &CertificateDer<'_>) -> Result<Self, FingerprintError> {
        // The parser that rustls checks signatures with: two parsers could disagree on
        // which key the certificate holds, and then the pin would be of the wrong one.
        let certificate = ParsedCertificate::try_from(certificate)
            .map_err(|error| FingerprintError::Certificate(error.to_string()))?;
        let key = certificate.subject_public_key_info();
        Ok(Self(Sha256::digest(&key).into()))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", STANDARD_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    /// Reads what `Display` writes; the `=` that some tools leave at the end is taken, too.
    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let digits = text.strip_prefix(PREFIX).ok_or(FingerprintError::Prefix)?;
        let digits = digits.strip_suffix('=').unwrap_or(digits);
        if digits.len() != DIGITS {
            return Err(FingerprintError::Length { len: digits.len() });
        }
        let bytes = STANDARD_NO_PAD.decode(digits).map_err(|_| FingerprintError::Digits)?;
        bytes.try_into().map(Self).map_err(|_| FingerprintError::Digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::pem::PemObject;

    /// Made by openssl 3, and so was `OF_CERTIFICATE`: openssl x509 -noout -pubkey |
    /// openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64.
    const CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBejCCAR+gAwIBAgIUf83fwFC3MyoK2j+5GI5bIG//mMswCgYIKoZIzj0EAwIw
ETEPMA0GA1UEAwwGdmVjdG9yMCAXDTI2MTEyMjIwMDcwM1oYDzIxMjYxMDI5MjAw
NzAzWjARMQ8wDQYDVQQDDAZ2ZWN0b3IwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AAQulq4WYl+Ty64/8wSP95b//ZYXxWaWwBsHVGx1LCoZHWeq6m1KB/WjvLgDkEyC
QkLhY+8339Qb2iKTsUWI5CnUo1MwUTAdBgNVHQ4EFgQUPCtLVmPqHj17lZZLUYVk
btLqj6cwHwYDVR0jBBgwFoAUPCtLVmPqHj17lZZLUYVkbtLqj6cwDwYDVR0TAQH/
BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEAzEbm9u2j95cgcpIBAKhYG8Hlxzvk
wXdQ6Am/eJGBUKACIQDeGiiKqWdlHmaWw9FYlTY/1jpUwDYpYaTkXCIhCfMNjw==
-----END CERTIFICATE-----
";
    const OF_CERTIFICATE: &str = "SHA256:7Q9Zbtvg8q6W0qV+4L8N75s0HNMqOlJJMhFF4H10YtY";

    #[test]
    fn openssl_computes_the_same() {
        let certificate =
            CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).expect("it is PEM");
        let fingerprint = Fingerprint::of_certificate(&certificate).expect("it has a key");
        assert_eq!(fingerprint.to_string(), OF_CERTIFICATE);
        assert_eq!(format!("{fingerprint:?}"), OF_CERTIFICATE);
    }

    #[test]
    fn a_certificate_cut_off_or_altered_anywhere_is_no_panic() {
        let whole = CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).expect("it is PEM");
        for at in 0..whole.len() {
            assert!(Fingerprint::of_certificate(&whole[..at].into()).is_err());
            let mut altered = whole.to_vec();
            altered[at] ^= 0x80;
            let _ = Fingerprint::of_certificate(&altered.into());
        }
    }

    #[test]
    fn a_fingerprint_is_read_strictly() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            let read = match text.parse::<Fingerprint>() {
                Ok(fingerprint) => fingerprint.to_string(),
                Err(error) => error.to_string(),
            };
            assert_eq!(read, expected, "{text}");
        }

        let digits = OF_CERTIFICATE.strip_prefix(PREFIX).expect("it has one");
        check(OF_CERTIFICATE, OF_CERTIFICATE);
        check(&format!("{OF_CERTIFICATE}="), OF_CERTIFICATE);

        let prefix = "a fingerprint starts with \"SHA256:\"";
        check("", prefix);
        check(digits, prefix);
        check(&format!("sha256:{digits}"), prefix);
        check(&format!(" {OF_CERTIFICATE}"), prefix);

        let length = |len| format!("a fingerprint has 43 digits after \"SHA256:\", not {len}");
        check("SHA256:", &length(0));
        check(&OF_CERTIFICATE[..OF_CERTIFICATE.len() - 1], &length(42));
        check(&format!("{OF_CERTIFICATE}A"), &length(44));
        check(&format!("{OF_CERTIFICATE}=="), &length(44));

        let digits = "the digits of the fingerprint are not base64";
        check(&OF_CERTIFICATE.replace('+', "-"), digits);
        check(&OF_CERTIFICATE.replace("7Q", "é"), digits);
        // The last digit carries two bits that belong to no byte: one key, one text.
        check(&OF_CERTIFICATE.replace("YtY", "YtZ"), digits);
    }
}
