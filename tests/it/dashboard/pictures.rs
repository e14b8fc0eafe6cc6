//! How every page looks: wide and narrow, light and dark. Where `TWINWIRE_PICTURES` names a folder, a picture of each is
//! written there, the docs' own among them:
//!
//! `TWINWIRE_PICTURES=docs/images cargo test -p twinwire-tests --test it dashboard::pictures`

use super::browser::sign_in;
use super::*;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use twinwire_engine::setup;
use twinwire_sandbox::{Fault, Operation, Rule};
use twinwire_tests::browser::Browser;
use twinwire_tests::{CUSTOMER, OTHER_CUSTOMER, SUPPORT, answers};

/// What templates are parts of others.
const PARTS: [&str; 2] = ["chart", "frame"];
/// How the pages are looked at: what the picture's name ends in, the width, and whether it is dark.
const VIEWS: [(&str, u32, bool); 4] =
    [("", 1280, false), ("-dark", 1280, true), ("-narrow", 400, false), ("-narrow-dark", 400, true)];
/// How high the picture of a narrow page is.
const NARROW: u32 = 1500;

/// A page to look at.
struct Look {
    /// The template that it is made of.
    template: &'static str,
    /// The picture's name.
    picture: &'static str,
    /// Where it is.
    path: String,
    /// How high the picture of the wide page is.
    height: u32,
}

/// A shop's morning, with all that a morning can bring.
async fn morning(stack: &Stack) {
    for (phone, state) in [("+12015550199", "paused"), ("+12015550142", "new")] {
        stack.signalwire.add_number(phone);
        let made = setup::install(stack.engine(), "front_signalwire", &answers(phone)).await.unwrap();
        sqlx::query("update channels set state = $2 where public_id = $1")
            .bind(&made.channel.id)
            .bind(state)
            .execute(&stack.pool)
            .await
            .unwrap();
    }
    for (inbound, text) in [
        (true, "Hi, my order 4471 came with only one of the two lamps"),
        (false, "Oh no! I am sorry. Let me look at what left the warehouse."),
        (false, "The second lamp was packed apart and is with the carrier: it comes tomorrow before noon."),
        (true, "Great, thank you! Can you leave it with the neighbour?"),
    ] {
        if inbound {
            stack.signalwire.customer_texts(CUSTOMER, SUPPORT, text).await;
        } else {
            stack.front.agent_writes(&stack.channel, &[CUSTOMER], text).await.unwrap();
        }
        stack.settle().await;
        // The provider's clock shows seconds.
        tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    }
    // What has no place to break.
    stack.signalwire.customer_texts(OTHER_CUSTOMER, SUPPORT, &"Hello".repeat(60)).await;
    stack.settle().await;
    stack.signalwire.customer_texts(OTHER_CUSTOMER, SUPPORT, "STOP").await;
    stack.settle().await;
    let landline =
        Fault::Refuse { status: 400, code: 21614, message: "'To' is not a mobile number".to_owned() };
    stack.signalwire.faults().add(Rule::new(landline).on(Operation::SendMessage).times(1));
    stack
        .front
        .agent_writes(&stack.channel, &[CUSTOMER], "Of course, I have told the carrier.")
        .await
        .unwrap();
    stack.settle().await;
    stack.backfill(twinwire_store::backfills::Kind::Full).await;
    // The hours before, as the job would have counted them.
    sqlx::query(
        "insert into message_hours (hour, after_seq, upto_seq, inbound, outbound, failed, p50_ms, p95_ms, counted_at)
        select date_trunc('hour', now()) - i * interval '1 hour', 0, 0, n, n * 5 / 4,
            case when i in (7, 15) then 2 else 0 end,
            case when n > 2 then 410 + (i * 37) % 190 end, case when n > 2 then 1250 + (i * 331) % 1900 end, now()
        from (
            select i, greatest(0, round(38 * exp(-power((i - 9) / 4.5, 2)) + 22 * exp(-power((i - 2) / 2.5, 2)) - 1))::bigint
                as n
            from generate_series(1, 23) i
        ) hours
        on conflict (hour) do update set inbound = excluded.inbound, outbound = excluded.outbound,
            failed = excluded.failed, p50_ms = excluded.p50_ms, p95_ms = excluded.p95_ms",
    )
    .execute(&stack.pool)
    .await
    .unwrap();
}

/// Every page: those that need a session and are there, then one that is not there, then the one to sign in.
async fn every_page(stack: &Stack) -> Vec<Look> {
    let parked = stack.count("select max(seq) from messages where parked is not null").await;
    let webhook = stack.count("select max(id) from webhook_log where hook = 'inbound'").await;
    let channel = &stack.installed.channel.id;
    let talk = |customer: &str| format!("/conversations/{channel}/%2B{}?text=yes", &customer[1..]);
    let looks = [
        ("overview", "dashboard", "/".to_owned(), 900),
        ("conversation", "conversation", talk(CUSTOMER), 840),
        ("conversation", "conversation-long", talk(OTHER_CUSTOMER), 840),
        ("message", "why", format!("/messages/{parked}"), 1000),
        ("messages", "messages", "/messages".to_owned(), 700),
        ("channel", "channel", format!("/channels/{channel}"), 900),
        ("jobs", "jobs", "/jobs".to_owned(), 500),
        ("webhooks", "webhooks", "/webhooks".to_owned(), 900),
        ("webhook", "webhook", format!("/webhooks/{webhook}?raw=yes"), 900),
        ("opt_outs", "opt-outs", "/opt-outs".to_owned(), 420),
        ("sorry", "sorry", "/channels/none".to_owned(), 620),
        ("sign_in", "sign-in", "/".to_owned(), 620),
    ];
    looks
        .into_iter()
        .map(|(template, picture, path, height)| Look { template, picture, path, height })
        .collect()
}

/// The templates of pages, by their files.
fn templates() -> BTreeSet<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/api/templates/dashboard");
    let names = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let names = names.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned());
    names.filter(|name| !PARTS.contains(&name.as_str())).collect()
}

/// Opens a page, holds that it fits into every width and complains of nothing, and pictures it.
async fn look_at(browser: &Browser, stack: &Stack, look: &Look, folder: Option<&Path>) {
    let Look { template, picture, path, height } = look;
    browser.open(&format!("{}{path}", stack.url())).await;
    // That a page is not for everybody, or not there, is in the console as well.
    let refused = match *template {
        "sorry" => Some("404"),
        "sign_in" => Some("401"),
        _ => None,
    };
    let ready = "!document.querySelector('[data-live]') || document.getElementById('live-state').textContent === 'Live.'";
    browser.until(ready).await;
    let mut grounds = BTreeSet::new();
    for (end, width, dark) in VIEWS {
        browser.look(width, if width < 1000 { NARROW } else { *height }, dark).await;
        let wide = browser.eval("document.documentElement.scrollWidth - innerWidth").await;
        assert!(wide.as_i64().unwrap() <= 0, "{picture} ({path}) is too wide for {width} by {wide}");
        let ground = browser.eval("getComputedStyle(document.body).backgroundColor").await;
        grounds.insert(ground.as_str().unwrap().to_owned());
        if let Some(folder) = folder {
            browser.picture(&folder.join(format!("{picture}{end}.png"))).await;
        }
    }
    assert_eq!(grounds.len(), 2, "{picture} ({path}) is light or dark: {grounds:?}");
    let mut complaints = browser.complaints();
    complaints.retain(|line| !refused.is_some_and(|status| line.contains(status)));
    assert_eq!(complaints, Vec::<String>::new(), "{picture} ({path})");
}

#[tokio::test]
async fn in_chromium_every_page_fits_wide_and_narrow_light_and_dark_and_complains_of_nothing() {
    let folder = std::env::var_os("TWINWIRE_PICTURES")
        .map(|folder| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(folder));
    let Some(browser) = Browser::start().await else {
        assert_eq!(folder, None, "there is no Chromium to take pictures with");
        return;
    };
    let stack = Stack::start().await;
    morning(&stack).await;
    let looks = every_page(&stack).await;
    let looked_at: BTreeSet<_> = looks.iter().map(|look| look.template.to_owned()).collect();
    assert_eq!(looked_at, templates(), "every template is looked at");
    sign_in(&browser, &stack, &token(&stack, "operate").await).await;
    for look in &looks {
        if look.template == "sign_in" {
            sqlx::query("delete from dashboard_sessions").execute(&stack.pool).await.unwrap();
        }
        look_at(&browser, &stack, look, folder.as_deref()).await;
    }
}
