//! The user's own chatd on this machine: whoever holds its key need not ask whether to trust it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::identity::{CERT_FILE, KEY_FILE};
use crate::{Fingerprint, Identity};

/// The fingerprint of the chatd whose data is in `data_dir`, if it is the current user's.
///
/// It is for a server on a loopback address that is not in known hosts: when the
/// [`Verdict`](crate::Verdict) is `New` with this very fingerprint, nobody has to be asked.
///
/// None unless the private key is this user's, closed to all others, and belongs to the
/// certificate. Where there is no /proc the user cannot be told, so it is None, too.
pub fn local_fingerprint(data_dir: &Path) -> Option<Fingerprint> {
    let key = data_dir.join(KEY_FILE);
    let metadata = fs::metadata(&key).ok()?;
    // std does not know the user's id, but the owner of our own process does.
    let user = fs::metadata("/proc/self").ok()?.uid();
    if metadata.uid() != user || metadata.mode() & 0o077 != 0 {
        return None;
    }
    // A certificate alone proves nothing: anyone can have put it there.
    let identity = Identity::load(&data_dir.join(CERT_FILE), &key).ok()?;
    Some(identity.fingerprint())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn only_a_closed_key_with_its_own_certificate_is_trusted() -> Result<(), Box<dyn Error>> {
        let dir = tempfile::tempdir()?;
        let (key, cert) = (dir.path().join(KEY_FILE), dir.path().join(CERT_FILE));
        assert_eq!(local_fingerprint(dir.path()), None);

        let ours = Identity::load_or_make(dir.path())?.fingerprint();
        assert_eq!(local_fingerprint(dir.path()), Some(ours));

        fs::set_permissions(&key, Permissions::from_mode(0o640))?;
        assert_eq!(local_fingerprint(dir.path()), None);
        fs::set_permissions(&key, Permissions::from_mode(0o600))?;
        assert_eq!(local_fingerprint(dir.path()), Some(ours));

        let other = tempfile::tempdir()?;
        Identity::load_or_make(other.path())?;
        fs::copy(other.path().join(CERT_FILE), &cert)?;
        assert_eq!(local_fingerprint(dir.path()), None);

        fs::remove_file(&cert)?;
        assert_eq!(local_fingerprint(dir.path()), None);
        Ok(())
    }
}
