//! People by a keyed hash of their address: who was erased is known again by it, and by nobody without the key.

use hmac::Mac;
use twinwire_core::phone;
use twinwire_store::erasures::Person;
use twinwire_store::seal::SecretKey;

/// What the key of these hashes is for.
const PURPOSE: &str = "people who were erased";
/// Bytes of the hash that are kept.
const LENGTH: usize = 16;
/// From so many digits on a number is known by its last ones, however it was written.
const TELLING: usize = 10;

/// What takes the place of an address.
pub fn token(key: &SecretKey, address: &str) -> String {
    let mut mac = key.derived(PURPOSE);
    mac.update(address.as_bytes());
    format!("erased-{}", hex::encode(&mac.finalize().into_bytes()[..LENGTH]))
}

/// All that a conversation goes by: the address, and what took its place when the person was erased.
pub fn names(key: &SecretKey, conversation: &str) -> [String; 2] {
    [conversation.to_owned(), token(key, conversation)]
}

/// A person by one of their addresses: a number is theirs in every network.
pub fn people(key: &SecretKey, address: &str) -> Vec<Person> {
    let addresses = phone::in_every_network(address);
    addresses.into_iter().map(|address| Person { token: token(key, &address), address }).collect()
}

/// The words by which a person is found in requests as vendors write them: of a number its last digits, which stand in
/// every way of writing it in one piece.
pub(crate) fn words(address: &str) -> String {
    let (_, number) = phone::network(address);
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    if number.starts_with('+') && digits.len() > TELLING {
        digits[digits.len() - TELLING..].to_owned()
    } else if number.starts_with('+') {
        digits
    } else {
        number.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> SecretKey {
        SecretKey::from_text(&SecretKey::text_of([byte; 32])).unwrap()
    }

    #[test]
    fn a_token_tells_nothing_of_the_number_and_needs_the_key() {
        let one = token(&key(1), "+12025550147");
        assert_eq!(one, token(&key(1), "+12025550147"));
        assert_ne!(one, token(&key(2), "+12025550147"));
        assert_ne!(one, token(&key(1), "+12025550148"));
        assert!(!one.contains("0147") && one.len() == "erased-".len() + 2 * LENGTH);
    }

    #[test]
    fn a_number_is_the_same_persons_in_every_network() {
        for written in ["+12025550147", "whatsapp:+12025550147", "+1 (202) 555-0147"] {
            let found: Vec<String> =
                people(&key(1), written).into_iter().map(|person| person.address).collect();
            assert_eq!(found, ["+12025550147", "whatsapp:+12025550147"], "{written}");
        }
        assert_eq!(people(&key(1), "22395").len(), 1);
    }

    #[test]
    fn a_number_is_found_however_it_is_written_in_one_piece() {
        let word = words("+12025550147");
        for written in ["%2B12025550147", "+12025550147", "2025550147"] {
            assert!(written.contains(&word), "{written}");
        }
        assert_eq!(words("22395"), "22395");
    }
}
