use super::*;

#[test]
fn only_addresses_that_everybody_can_reach_are_public() {
    for address in ["8.8.8.8", "54.231.0.1", "2600:1f18::1", "2a00:1450:4001::1", "2002:808:808::1"] {
        assert!(is_public(address.parse().unwrap()), "{address}");
    }
    for address in [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "0.0.0.0",
        "0.1.2.3",
        "100.64.0.1",
        "192.0.0.8",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::1",
        "2001:db8::1",
        "2001::1",
    ] {
        assert!(!is_public(address.parse().unwrap()), "{address}");
    }
}

#[test]
fn a_host_is_named_whole_or_by_its_end() {
    for (host, allowed, is) in [
        ("mms.twiliocdn.com", "mms.twiliocdn.com", true),
        ("xmms.twiliocdn.com", "mms.twiliocdn.com", false),
        ("acme.api.frontapp.com", ".api.frontapp.com", true),
        ("acme.api.frontapp.com.", ".api.frontapp.com", true),
        ("api.frontapp.com", ".api.frontapp.com", false),
        ("evilapi.frontapp.com", ".api.frontapp.com", false),
        ("api.frontapp.com.evil.example", ".api.frontapp.com", false),
        ("amazonaws.com", ".amazonaws.com", false),
    ] {
        assert_eq!(is_host(host, allowed), is, "{host} {allowed}");
    }
}

#[test]
fn an_address_from_outside_is_called_over_tls_at_a_host_of_the_vendor() {
    let downloader = Downloader::new(false).unwrap();
    let rules = Rules { hosts: &["files.example", ".cdn.example"], most: 10 };
    let check = |url: &str| downloader.check(&Url::parse(url).unwrap(), &rules).is_ok();
    assert!(check("https://files.example/a?b=c"));
    assert!(check("https://x.cdn.example:443/a"));
    for url in [
        "http://files.example/",
        "https://files.example:8443/",
        "https://user:pass@files.example/",
        "https://other.example/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://2130706433/",
        "ftp://files.example/",
        "file:///etc/passwd",
    ] {
        assert!(!check(url), "{url}");
    }
}

#[tokio::test]
async fn a_name_that_leads_into_a_private_network_leads_nowhere() {
    let downloader = Downloader::new(false).unwrap();
    let error = downloader.open.get("https://localhost:1/").send().await.unwrap_err();
    assert!(error.is_connect(), "{error:?}");
    let why = format!("{error:?}");
    assert!(why.contains("no public address"), "{why}");
}
