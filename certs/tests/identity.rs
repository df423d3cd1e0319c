//! What becomes of the files of a server's identity, whatever state they are found in.

use std::error::Error;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use certs::{Identity, IdentityError};

type Outcome = Result<(), Box<dyn Error>>;

fn files(dir: &Path) -> (PathBuf, PathBuf) {
    (dir.join("cert.pem"), dir.join("key.pem"))
}

fn mode(file: &Path) -> Result<u32, Box<dyn Error>> {
    Ok(fs::metadata(file)?.permissions().mode() & 0o777)
}

/// The error's text, with the folder as DIR.
#[track_caller]
fn refusal(dir: &Path, result: Result<Identity, IdentityError>) -> String {
    let error = result.expect_err("it should be refused");
    error.to_string().replace(&dir.display().to_string(), "DIR")
}

#[test]
fn an_identity_is_made_once_and_the_key_is_closed() -> Outcome {
    let dir = tempfile::tempdir()?;
    let (cert, key) = files(dir.path());
    let made = Identity::load_or_make(dir.path())?;
    assert_eq!(mode(&key)?, 0o600);
    assert_eq!(mode(&cert)?, 0o644);
    assert_eq!(fs::read_dir(dir.path())?.count(), 2);

    let before = (fs::read(&cert)?, fs::read(&key)?);
    let loaded = Identity::load_or_make(dir.path())?;
    assert_eq!(loaded.fingerprint(), made.fingerprint());
    assert_eq!((fs::read(&cert)?, fs::read(&key)?), before);
    Ok(())
}

#[test]
fn a_key_without_a_certificate_keeps_its_fingerprint() -> Outcome {
    let dir = tempfile::tempdir()?;
    let (cert, _) = files(dir.path());
    let made = Identity::load_or_make(dir.path())?;
    fs::remove_file(cert)?;
    let mended = Identity::load_or_make(dir.path())?;
    assert_eq!(mended.fingerprint(), made.fingerprint());
    Ok(())
}

#[test]
fn a_certificate_without_its_key_is_never_replaced_in_silence() -> Outcome {
    let dir = tempfile::tempdir()?;
    let (cert, key) = files(dir.path());
    Identity::load_or_make(dir.path())?;
    let before = fs::read(&cert)?;
    fs::remove_file(&key)?;
    assert_eq!(
        refusal(dir.path(), Identity::load_or_make(dir.path())),
        "DIR/cert.pem is here but its key DIR/key.pem is not: restore the key from a backup, \
         or start over with `chatd key new`, and every client will have to accept the new key"
    );
    assert_eq!(fs::read(&cert)?, before);
    assert!(!key.exists());

    Identity::make_new(dir.path())?;
    Identity::load_or_make(dir.path())?;
    Ok(())
}

#[test]
fn a_new_key_keeps_the_old_pair() -> Outcome {
    let dir = tempfile::tempdir()?;
    let (cert, key) = files(dir.path());
    let old = Identity::load_or_make(dir.path())?;
    let new = Identity::make_new(dir.path())?;
    assert_ne!(old.fingerprint(), new.fingerprint());
    assert_eq!(Identity::load_or_make(dir.path())?.fingerprint(), new.fingerprint());

    let (old_cert, old_key) = (cert.with_extension("pem.old"), key.with_extension("pem.old"));
    assert_eq!(Identity::load(&old_cert, &old_key)?.fingerprint(), old.fingerprint());
    assert_eq!(mode(&old_key)?, 0o600);
    Ok(())
}

#[test]
fn a_key_that_others_can_use_is_refused() -> Outcome {
    let dir = tempfile::tempdir()?;
    let (_, key) = files(dir.path());
    Identity::load_or_make(dir.path())?;
    for (mode, is_fine) in [
        (0o400, true),
        (0o600, true),
        (0o640, true),
        (0o644, false),
        (0o604, false),
        (0o602, false),
        (0o660, false),
    ] {
        fs::set_permissions(&key, Permissions::from_mode(mode))?;
        let result = Identity::load_or_make(dir.path());
        if is_fine {
            assert!(result.is_ok(), "{mode:o}");
        } else {
            let expected = format!(
                "DIR/key.pem has mode {mode:04o}, so others can use the key: \
                 do `chmod 600 DIR/key.pem`"
            );
            assert_eq!(refusal(dir.path(), result), expected);
        }
    }
    Ok(())
}

#[test]
fn a_key_and_a_certificate_must_be_a_pair() -> Outcome {
    let dir = tempfile::tempdir()?;
    let other = tempfile::tempdir()?;
    Identity::load_or_make(dir.path())?;
    Identity::load_or_make(other.path())?;
    let (cert, key) = files(dir.path());
    fs::copy(files(other.path()).0, &cert)?;
    assert_eq!(
        refusal(dir.path(), Identity::load(&cert, &key)),
        "the key DIR/key.pem does not belong to the certificate DIR/cert.pem (which must be \
         the first of its chain)"
    );
    Ok(())
}

#[test]
fn the_file_that_is_wrong_is_named() -> Outcome {
    let dir = tempfile::tempdir()?;
    let (cert, key) = files(dir.path());
    Identity::load_or_make(dir.path())?;
    let (good_cert, good_key) = (fs::read_to_string(&cert)?, fs::read_to_string(&key)?);
    let check = |cert_text: &str, key_text: &str, expected: &str| -> Outcome {
        fs::write(&cert, cert_text)?;
        fs::write(&key, key_text)?;
        assert_eq!(refusal(dir.path(), Identity::load(&cert, &key)), expected);
        Ok(())
    };
    let none = "DIR/cert.pem: it holds no certificate in PEM";
    let damaged = "DIR/cert.pem: its PEM is damaged or cut off";
    check("", &good_key, none)?;
    check(&good_key, &good_key, none)?;
    check(&good_cert[..100], &good_key, damaged)?;
    check(
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        &good_key,
        "DIR/cert.pem: the certificate cannot be read: invalid peer certificate: BadEncoding",
    )?;

    let none = "DIR/key.pem: it holds no private key in PEM (an encrypted one must be \
                decrypted first)";
    let damaged = "DIR/key.pem: its PEM is damaged or cut off";
    check(&good_cert, "", none)?;
    check(&good_cert, &good_cert, none)?;
    check(&good_cert, &good_key[..100], damaged)?;
    let encrypted = good_key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    check(&good_cert, &encrypted, none)?;

    fs::remove_file(&key)?;
    let missing = refusal(dir.path(), Identity::load(&cert, &key));
    assert_eq!(missing, "cannot read DIR/key.pem");
    Ok(())
}

#[test]
fn a_folder_that_is_not_there_is_an_error_that_names_the_file() -> Outcome {
    let dir = tempfile::tempdir()?;
    let missing = dir.path().join("missing");
    assert_eq!(
        refusal(dir.path(), Identity::load_or_make(&missing)),
        "cannot write DIR/missing/key.pem"
    );
    Ok(())
}

#[test]
fn keys_as_openssl_writes_them_are_read() -> Outcome {
    let dir = tempfile::tempdir()?;
    let (cert, key) = files(dir.path());
    for pair in [SEC1, PKCS1] {
        fs::write(&cert, pair)?;
        fs::write(&key, pair)?;
        fs::set_permissions(&key, Permissions::from_mode(0o600))?;
        Identity::load(&cert, &key)?;
    }
    Ok(())
}

/// Made for this test: openssl ecparam -name prime256v1 -genkey -noout
const SEC1: &str = "\
-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIKWrsztuyVKbq9G3PxJkI6zEPpfeCzYs8ld+cXSazm3qoAoGCCqGSM49
AwEHoUQDQgAEYMCckB8n+EZ6CGJhQopP5XuT8bNX5cJzSoUaSZutme9VtM+38AUD
k8wCAPF5Rdnf+6hppaxbTCMjaPnZ0V0CeQ==
-----END EC PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBcTCCARegAwIBAgIUAapL9YxoEuQ0zLoiwnx2IPaMo9EwCgYIKoZIzj0EAwIw
EDEOMAwGA1UEAwwFY2hhdGQwIBcNMjYxMTIyMjAxNTQyWhgPMjEyNjEwMjkyMDE1
NDJaMBAxDjAMBgNVBAMMBWNoYXRkMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
YMCckB8n+EZ6CGJhQopP5XuT8bNX5cJzSoUaSZutme9VtM+38AUDk8wCAPF5Rdnf
+6hppaxbTCMjaPnZ0V0CeaNNMEswHQYDVR0OBBYEFBHxa60w9nPyrs7Gbe2tMIv0
flR1MB8GA1UdIwQYMBaAFBHxa60w9nPyrs7Gbe2tMIv0flR1MAkGA1UdEwQCMAAw
CgYIKoZIzj0EAwIDSAAwRQIgdAZqaGjkgSbbhiwyM9f92t1Eo7uIMLBEqMV0MoU2
AEQCIQDgrFzeO6tNkQvQ2D6FmzZLRVgAX/OlKC4yS/czqxHBTQ==
-----END CERTIFICATE-----
";

/// Made for this test: openssl genrsa -traditional 2048
const PKCS1: &str = "\
-----BEGIN RSA PRIVATE KEY-----
MIIEogIBAAKCAQEA1mQsRhDCfntSvY75lzsLFcgWsKpQWatwlDEPwhq+Njp1YOMi
84nVwNjKGzO+7iMuePJ0sOZjNPaNWOSkC1LX9Frj7EoU1AvG/T0fkgjpY47R25mD
TbT81hOuHPgvSPRbzWfLTLOLyWLv8427Y33eqvPhttVFvP7wdVVYtKo/NZO9IX5r
pF6Vp9Ksutv3GmE+J3eeXDHi+4T2r7LJrTmv5VnpF8ZnzLjPORoe7cpPJW/CH4er
LduNYWdmh50HUvr4+6o2x4pSKUAVrqawYslKEr5zMskgJ+Ha/xUlXppR2x1DT7z0
mtgb2f1kqmwb/i9HTwaKt3ijZM7Nwl8UGowx9wIDAQABAoIBAARLtza425TPjB21
PDC4uPpOQI94p38seBHYFnyUBESvkNjd+ZN6AGOf/xNiyuFtqLQ5XiI0nj9E7hnJ
DF/CYLEKPdqRtMTM7vH1uWi32f6p3BrzgqsvbwjWaxzfJ4oQL2NjFYfrab0hc4pk
nXZwYreihwlz+4o+bNCvuEUidigbd3k6rKzDjdHzInEVvuid1ohFMp9yYJwy2Umz
F1JUdc7HDfxNwNV5BEvRl4wX3e+YxYTi2XJVdJtasPODMCsK9UYFBbCK8A+NTZF0
QRWn0mPjSbpRCZkQO+ylCqD7JnWomjO6RNL7/B0u+ctdU2znDWA8aJaMGL3yv9s2
OhVBP9ECgYEA/mzpgRDcKa8yfNqpKeDsUffZ/w71Q+cXtAA+E7dYfQzyS+w7MWst
BHnIsLVPu/z+852f6k/XQv+R/pFAeGFlduwoKcRJHu/luMUeBl2XUxEgarxco8PP
oKZtmFkHnWnAoXwmtdcwo8qMR+lmfzE2Ri/UP7UU04BwXcFW0Re5pycCgYEA17fV
oB4rt97WHIh3r0tPuS+SJCGJKP25KcFI6IACxJaJ+JiafTNnpD6b3LAYtHgBFBsY
dUn47hxwVKe80+kUQqyUNIrIu/MyszEdVl9YOxmX/+WfaqnUoGSeNHpsPx775loC
dsuN6VuNQRP7SecqRaez1pGTfFC6wFSVgnAXYLECgYBBWDegrnPdQOH2rzJDT0Fi
zAVxPKZBiljMIkPPTIetlmWkmkeZqa0mOSESQX75CUFx0EoCI/9ldb5JY4TrZhhp
Mr4d/AvLplGZ4waTG/aBnyR0RWyFowTwfc4oErWh+EdBMmG+0kXry1m8HnX0tO77
l80rj5aJu7MgYUeq7C0CgQKBgGNl6+OJw29IGLSxFSUKuMOF7fsEEOV4c/ePfn7T
bXMUQqLv/k+ufhUqXDtGUTvnB+gxzAVPfoqJRCFd4R5sCc/nIatMP86K81OqT/Ba
opco5ecd8WT+uGDnvBZGStaS+lNcKkJ+7PcYHnBcOrAE+m96JN272o+vyz2QPAwM
hlkhAoGAAYgN+P1s142TLuk38IbOryxAkuNHz0/3XHohOuwadaMJKx8TYE9hz95k
6NIJ15K5UFZ5jQll19Lim3uqBdelj81tjE3QICHF4rKmbm9xFm0u1Dj8QrH2MpsG
VD1x3/WBUUilsKlZFBJZtahdQ//3tYcElaP9AOqDcldLhEEfyiY=
-----END RSA PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIC/TCCAeWgAwIBAgIUJveceVpObROploErx6m6JPF1LlcwDQYJKoZIhvcNAQEL
BQAwEDEOMAwGA1UEAwwFY2hhdGQwIBcNMjYxMTIyMjAxNTQyWhgPMjEyNjEwMjky
MDE1NDJaMBAxDjAMBgNVBAMMBWNoYXRkMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A
MIIBCgKCAQEA1mQsRhDCfntSvY75lzsLFcgWsKpQWatwlDEPwhq+Njp1YOMi84nV
wNjKGzO+7iMuePJ0sOZjNPaNWOSkC1LX9Frj7EoU1AvG/T0fkgjpY47R25mDTbT8
1hOuHPgvSPRbzWfLTLOLyWLv8427Y33eqvPhttVFvP7wdVVYtKo/NZO9IX5rpF6V
p9Ksutv3GmE+J3eeXDHi+4T2r7LJrTmv5VnpF8ZnzLjPORoe7cpPJW/CH4erLduN
YWdmh50HUvr4+6o2x4pSKUAVrqawYslKEr5zMskgJ+Ha/xUlXppR2x1DT7z0mtgb
2f1kqmwb/i9HTwaKt3ijZM7Nwl8UGowx9wIDAQABo00wSzAdBgNVHQ4EFgQUa6ke
sa7aFGun6+QqrIuQPbfknHEwHwYDVR0jBBgwFoAUa6kesa7aFGun6+QqrIuQPbfk
nHEwCQYDVR0TBAIwADANBgkqhkiG9w0BAQsFAAOCAQEACIIiJu35tKehZQYiZEEB
kULkIbe7Rrx4ovZaSo3fwCvb5bqahHV9WSfSal68Xp1TTM9GQpmkLiuVBVqeb0dq
hbcVTIhCLOwpvo2dl8cYKBz9g38syYNRvL0goPQnD7EsZ9HTwh3VWEtQA7XHYU2Q
WPnEv+yHDLFugj2WRQ5symynvbB7cNIfzyoTlJJ+Ablhg7X43+OKfz01iu4WtZK3
jM86eUH14LhpThYyFKCfS2cpnTOIoXcpvytBNbxy5oGAVApHR3BCSjli+P2EEyeH
W8WXJy/e8Ec1+J2kh0hFMhkdtyleaKqZzYnooO4fOEFgxY3aAmSI/57aLKf08tT7
WQ==
-----END CERTIFICATE-----
";
