//! Addresses: phone numbers in E.164, and the ones that are not phone numbers.

use rlibphonenumber::{NumberLengthType, PhoneNumber, PhoneNumberFormat, Region};

/// E.164 has at most fifteen digits, and a plus.
const LONGEST: usize = 16;

/// Reads what a person or a vendor wrote as a phone number and gives it in E.164.
///
/// `region` (ISO 3166, two letters) is where a number without a country code is at home: the channel's own country.
/// None when it is not a possible number. An extension is dropped: SMS has none.
pub fn e164(written: &str, region: Option<&str>) -> Option<String> {
    let region = region.and_then(|code| code.parse::<Region>().ok());
    let number = PhoneNumber::parse(written.trim(), region).ok()?;
    // A number that only works inside its own area has no E.164 form.
    let whole = matches!(number.is_possible_with_reason(), Ok(NumberLengthType::IsPossible));
    let number = whole.then(|| number.format_as(PhoneNumberFormat::E164).into_owned())?;
    // Some countries have longer service numbers, which nobody can text from abroad.
    (number.len() <= LONGEST).then_some(number)
}

/// The country of an E.164 number, as two letters; the main one where several share a code and the number does not tell.
pub fn region_of(e164: &str) -> Option<String> {
    let number = PhoneNumber::parse(e164, None).ok()?;
    number.get_region_code().map(|region| region.to_string())
}

/// What stands before the number of an address of `WhatsApp`.
const WHATSAPP: &str = "whatsapp:";

/// The network of an address, as it stands before the number (`whatsapp:`; nothing for the phone network), and the rest.
///
/// The network is a part of the address: the same person's texts by another network are another conversation.
pub fn network(address: &str) -> (&'static str, &str) {
    match address.split_at_checked(WHATSAPP.len()) {
        Some((network, rest)) if network.eq_ignore_ascii_case(WHATSAPP) => (WHATSAPP, rest.trim_start()),
        _ => ("", address),
    }
}

/// The addresses that belong to who has a number: it is theirs in every network. Of what is no number, itself.
pub fn in_every_network(written: &str) -> Vec<String> {
    let (_, number) = network(written.trim());
    let number = address(number);
    let elsewhere = number.starts_with('+').then(|| format!("{WHATSAPP}{number}"));
    std::iter::once(number).chain(elsewhere).collect()
}

/// A sender or recipient as a provider wrote it: E.164 if it is a phone number, behind its network's name where it has one,
/// else kept as it is (short code, alphanumeric sender, hidden caller).
pub fn address(written: &str) -> String {
    let written = written.trim();
    let (network, number) = network(written);
    let number = number.starts_with('+').then(|| e164(number, None)).flatten();
    number.map_or_else(|| written.to_owned(), |number| format!("{network}{number}"))
}

/// A short code: three to eight digits, no plus.
pub fn is_short_code(address: &str) -> bool {
    (3..=8).contains(&address.len()) && address.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a text can be sent to this address by the phone network: a phone number or a short code. An alphanumeric sender cannot be answered.
pub fn can_be_texted(address: &str) -> bool {
    is_short_code(address) || (address.starts_with('+') && e164(address, None).as_deref() == Some(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_their_own_country_writes_them() {
        for (written, region, expected) in [
            ("(222) 333-4444", Some("US"), "+12223334444"),
            ("+1 222 333 4444", None, "+12223334444"),
            ("+447911123456", Some("US"), "+447911123456"),
            ("07911 123456", Some("GB"), "+447911123456"),
            ("+50687124011", Some("US"), "+50687124011"),
            ("06 12 34 56 78", Some("FR"), "+33612345678"),
            ("+33 6 12 34 56 78", Some("US"), "+33612345678"),
            ("tel:+1-201-555-0123;ext=7", Some("US"), "+12015550123"),
            ("+800 1234 5678", Some("US"), "+80012345678"),
            ("\u{ff0b}\u{ff11}2015550123", Some("US"), "+12015550123"),
        ] {
            assert_eq!(e164(written, region).as_deref(), Some(expected), "{written} in {region:?}");
        }
    }

    #[test]
    fn what_is_not_a_number_gives_none() {
        for written in [
            "",
            "agent@example.test",
            "+",
            "12",
            "+3312345678901234567",
            "ACME",
            "\0",
            "=+6290VVVVVVVVVVVV 01",
        ] {
            assert_eq!(e164(written, Some("US")), None, "{written:?}");
        }
    }

    #[test]
    fn a_number_tells_its_country() {
        assert_eq!(region_of("+12015550123").as_deref(), Some("US"));
        assert_eq!(region_of("+33612345678").as_deref(), Some("FR"));
        assert_eq!(region_of("nonsense"), None);
    }

    #[test]
    fn short_codes_and_names_stay_as_they_are() {
        for (written, texted) in
            [("22395", true), ("ACME Shop", false), ("+12015550123", true), ("anonymous", false)]
        {
            assert_eq!(address(written), written);
            assert_eq!(can_be_texted(written), texted, "{written}");
        }
        assert_eq!(address("+1 (201) 555-0123"), "+12015550123");
    }

    #[test]
    fn the_network_is_a_part_of_the_address() {
        for (written, expected, parts) in [
            ("whatsapp:+12015550123", "whatsapp:+12015550123", ("whatsapp:", "+12015550123")),
            (" WhatsApp: +1 (201) 555-0123 ", "whatsapp:+12015550123", ("whatsapp:", "+12015550123")),
            ("whatsapp:ACME", "whatsapp:ACME", ("whatsapp:", "ACME")),
            ("whatsapp", "whatsapp", ("", "whatsapp")),
            ("messenger:1234", "messenger:1234", ("", "messenger:1234")),
            ("+12015550123", "+12015550123", ("", "+12015550123")),
            ("äöüäöüäöü", "äöüäöüäöü", ("", "äöüäöüäöü")),
        ] {
            assert_eq!(address(written), expected);
            assert_eq!(network(expected), parts);
        }
        assert!(!can_be_texted("whatsapp:+12015550123"));
    }
}
