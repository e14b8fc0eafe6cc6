//! Secrets at rest: XChaCha20-Poly1305 with a random nonce. What a secret belongs to is authenticated with it, so that
//! one row's secret cannot be put into another row.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

const VERSION: u8 = 1;
const KEY_ID: usize = 4;
const NONCE: usize = 24;

/// Why a secret cannot be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The key is not 32 bytes.
    #[error("TWINWIRE_SECRET_KEY must be 32 bytes in base64; make one with: openssl rand -base64 32")]
    BadKey,
    /// Another key sealed it.
    #[error(
        "the secrets in this database were sealed with another key than TWINWIRE_SECRET_KEY; set the key that was used at set-up"
    )]
    OtherKey,
    /// It has been changed, or belongs to something else.
    #[error("a sealed secret in the database is damaged")]
    Damaged,
    /// It could not be sealed.
    #[error("a secret could not be sealed")]
    Failed,
}

/// The key that seals and opens secrets. Never shown.
#[derive(Clone)]
pub struct SecretKey {
    cipher: XChaCha20Poly1305,
    root: Hmac<Sha256>,
    id: [u8; KEY_ID],
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SecretKey({:02x}{:02x}…)", self.id[0], self.id[1])
    }
}

impl SecretKey {
    /// Reads the key from its text, 32 bytes in base64.
    ///
    /// # Errors
    /// [`SealError::BadKey`].
    pub fn from_text(text: &SecretString) -> Result<Self, SealError> {
        let bytes = STANDARD.decode(text.expose_secret().trim()).map_err(|_| SealError::BadKey)?;
        let cipher = XChaCha20Poly1305::new_from_slice(&bytes).map_err(|_| SealError::BadKey)?;
        let root = <Hmac<Sha256> as KeyInit>::new_from_slice(&bytes).map_err(|_| SealError::BadKey)?;
        let digest = Sha256::digest(&bytes);
        let mut id = [0; KEY_ID];
        id.copy_from_slice(&digest[..KEY_ID]);
        Ok(Self { cipher, root, id })
    }

    /// A signer with a key of its own for one purpose, made from this key: who knows it knows nothing of the others.
    pub fn derived(&self, purpose: &str) -> Hmac<Sha256> {
        let mut root = self.root.clone();
        root.update(purpose.as_bytes());
        let key = root.finalize().into_bytes();
        let mut derived = self.root.clone();
        if let Ok(own) = <Hmac<Sha256> as KeyInit>::new_from_slice(&key) {
            derived = own;
        }
        derived
    }

    /// A new key, as text, from 32 random bytes.
    pub fn text_of(random: [u8; 32]) -> SecretString {
        STANDARD.encode(random).into()
    }

    /// Seals `plain`, which belongs to `owner` (table and id).
    ///
    /// # Errors
    /// [`SealError::Failed`].
    pub fn seal(&self, owner: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let nonce: [u8; NONCE] = rand::random();
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: owner.as_bytes() })
            .map_err(|_| SealError::Failed)?;
        let mut out = Vec::with_capacity(1 + KEY_ID + NONCE + sealed.len());
        out.push(VERSION);
        out.extend(self.id);
        out.extend(nonce);
        out.extend(sealed);
        Ok(out)
    }

    /// Opens what [`SecretKey::seal`] made for the same `owner`.
    ///
    /// # Errors
    /// [`SealError::OtherKey`] or [`SealError::Damaged`].
    pub fn open(&self, owner: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (version, rest) = sealed.split_first().ok_or(SealError::Damaged)?;
        let (id, rest) = rest.split_at_checked(KEY_ID).ok_or(SealError::Damaged)?;
        let (nonce, text) = rest.split_at_checked(NONCE).ok_or(SealError::Damaged)?;
        if *version != VERSION {
            return Err(SealError::Damaged);
        }
        if id != self.id {
            return Err(SealError::OtherKey);
        }
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| SealError::Damaged)?;
        self.cipher
            .decrypt(&XNonce::from(nonce), Payload { msg: text, aad: owner.as_bytes() })
            .map_err(|_| SealError::Damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> SecretKey {
        SecretKey::from_text(&SecretKey::text_of([byte; 32])).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_with_the_same_key_for_the_same_owner_only() {
        let sealed = key(1).seal("accounts/acc_1", b"token").unwrap();
        assert_eq!(key(1).open("accounts/acc_1", &sealed).unwrap(), b"token");
        assert_eq!(key(1).open("accounts/acc_2", &sealed), Err(SealError::Damaged));
        assert_eq!(key(2).open("accounts/acc_1", &sealed), Err(SealError::OtherKey));
        assert!(!sealed.windows(5).any(|part| part == b"token"));
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let sealed = key(1).seal("o", b"secret").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key(1).open("o", &changed).is_err(), "byte {at}");
        }
        assert_eq!(key(1).open("o", &[]), Err(SealError::Damaged));
    }

    #[test]
    fn a_key_that_is_not_32_bytes_is_refused() {
        for text in ["", "short", "bm90IDMyIGJ5dGVz", "!!!"] {
            assert_eq!(SecretKey::from_text(&text.into()).unwrap_err(), SealError::BadKey);
        }
    }
}
