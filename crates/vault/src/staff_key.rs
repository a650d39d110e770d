//! Who a member of staff is: whoever holds the private half of an Ed25519 key whose public half the operator enrolled.
//!
//! The pseudonym under which staff stand in the access log is a hash of their public key, so an entry is theirs alone, and
//! nothing but the key has to be kept. It does not know whether they may work: that is `vault::staff`.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::subject::SubjectId;

const NAMED_LABEL: &[u8] = b"ensoex staff pseudonym v1\n";
const SIGNED_LABEL: &[u8] = b"ensoex staff request v1\n";

/// The pseudonym of whoever has this public key: the first 16 bytes of the SHA-256 of a label and the key.
pub fn staff_pseudonym(public_key: &[u8; 32]) -> SubjectId {
    let hash: [u8; 32] = Sha256::new_with_prefix(NAMED_LABEL)
        .chain_update(public_key)
        .finalize()
        .into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    SubjectId::from_bytes(bytes)
}

/// Signs a request under a challenge that the Service drew for it alone.
pub fn sign_as_staff(key: &SigningKey, challenge: &[u8; 32], request: &[u8]) -> [u8; 64] {
    key.sign(&signed(challenge, request)).to_bytes()
}

/// Whose request this is; `None` if the signature is not of this key, challenge and request.
pub fn verified_staff(
    public_key: &[u8; 32],
    challenge: &[u8; 32],
    request: &[u8],
    signature: &[u8; 64],
) -> Option<SubjectId> {
    let key = VerifyingKey::from_bytes(public_key).ok()?;
    let signature = Signature::from_bytes(signature);
    key.verify_strict(&signed(challenge, request), &signature).ok()?;
    Some(staff_pseudonym(public_key))
}

fn signed(challenge: &[u8; 32], request: &[u8]) -> Vec<u8> {
    [SIGNED_LABEL, challenge, request].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_its_signers_under_its_own_challenge_only() {
        let (key, other) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
        let (public, others) = (key.verifying_key().to_bytes(), other.verifying_key().to_bytes());
        let signature = sign_as_staff(&key, &[3; 32], b"read");
        assert_eq!(
            verified_staff(&public, &[3; 32], b"read", &signature),
            Some(staff_pseudonym(&public))
        );
        assert_ne!(staff_pseudonym(&public), staff_pseudonym(&others));
        for (public, challenge, request) in [
            (&others, [3; 32], &b"read"[..]),
            (&public, [4; 32], b"read"),
            (&public, [3; 32], b"reap"),
        ] {
            assert_eq!(verified_staff(public, &challenge, request, &signature), None);
        }
    }
}
