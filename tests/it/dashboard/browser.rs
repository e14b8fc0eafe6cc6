//! In a real browser, without a window.

use super::*;
use twinwire_sandbox::{Fault, Operation, Rule};
use twinwire_tests::browser::Browser;
use twinwire_tests::{CUSTOMER, SUPPORT};

/// Signs in by the page's own form.
pub(super) async fn sign_in(browser: &Browser, stack: &Stack, token: &str) {
    browser.open(&format!("{}/", stack.url())).await;
    // That one has to sign in is no error of the page.
    let refused = browser.complaints();
    assert!(refused.iter().all(|line| line.contains("401")), "{refused:?}");
    browser.eval(&format!("document.getElementById('token').value = '{token}'")).await;
    browser.follow("document.querySelector('button.main').click()").await;
    browser.until("document.title.startsWith('Overview')").await;
}

#[tokio::test]
async fn in_chromium_a_page_follows_what_happens_and_complains_of_nothing() {
    let Some(browser) = Browser::start().await else { return };
    let stack = Stack::start().await;
    let token = token(&stack, "operate").await;
    sign_in(&browser, &stack, &token).await;
    // The cookie is out of reach of scripts.
    assert_eq!(browser.eval("document.cookie").await, "");
    browser.open(&format!("{}/messages", stack.url())).await;
    browser.until("document.getElementById('live-state').textContent === 'Live.'").await;
    browser
        .eval(
            "window.same = true; document.querySelector('input[name=conversation]').value = 'being written'",
        )
        .await;
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "Hello").await;
    browser.until(&format!("document.querySelector('#live td a')?.textContent === '{CUSTOMER}'")).await;
    stack.settle().await;
    browser.until("document.querySelector('#live .state.done')").await;
    assert_eq!(browser.eval("window.same").await, true, "it was not loaded anew");
    assert_eq!(
        browser.eval("document.querySelector('input[name=conversation]').value").await,
        "being written"
    );
    // A button, pressed by a script as a person presses it.
    let refuse = Fault::Refuse { status: 400, code: 21211, message: "Invalid 'To' number".to_owned() };
    stack.signalwire.faults().add(Rule::new(refuse).on(Operation::SendMessage).times(1));
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Refused at first").await.unwrap();
    browser.until("document.querySelector('#live form button')").await;
    browser.follow("document.querySelector('#live form button').click()").await;
    browser.until("document.querySelector('.said')?.textContent === 'It is tried anew.'").await;
    stack.settle().await;
    assert_eq!(stack.texts_to(CUSTOMER), ["Refused at first"]);
    let seq = stack.count("select max(seq) from messages").await;
    let channel = &stack.installed.channel.id;
    for path in [
        "/".to_owned(),
        format!("/channels/{channel}"),
        "/messages".to_owned(),
        format!("/messages/{seq}"),
        format!("/conversations/{channel}/%2B{}?text=yes", &CUSTOMER[1..]),
        "/opt-outs".to_owned(),
        "/webhooks".to_owned(),
        "/jobs".to_owned(),
    ] {
        browser.open(&format!("{}{path}", stack.url())).await;
        browser.until("document.getElementById('live-state').textContent === 'Live.'").await;
        let unnamed = "[...document.querySelectorAll('button, a, input:not([type=hidden]), select')]
            .filter((one) => !(one.textContent.trim() || one.ariaLabel || one.labels?.length)).length";
        assert_eq!(browser.eval(unnamed).await, 0, "{path}: something has no name");
    }
    assert_eq!(browser.complaints(), Vec::<String>::new());
    // Signed out elsewhere, the open page says so by itself.
    sqlx::query("delete from dashboard_sessions").execute(&stack.pool).await.unwrap();
    browser.until("document.getElementById('token')").await;
}

#[tokio::test]
async fn in_chromium_what_a_page_must_not_do_is_refused_by_its_policy() {
    let Some(browser) = Browser::start().await else { return };
    let stack = Stack::start().await;
    sign_in(&browser, &stack, "admin").await;
    assert_eq!(browser.complaints(), Vec::<String>::new());
    let inline = "const script = document.createElement('script'); script.textContent = 'window.bad = true';
        document.body.append(script); document.body.setAttribute('style', 'color: red'); !!window.bad";
    assert_eq!(browser.eval(inline).await, false);
    let away = "fetch('https://example.com/').then(() => 'gone', () => 'refused')";
    assert_eq!(browser.eval(away).await, "refused");
    let complaints = browser.complaints();
    assert!(complaints.iter().any(|line| line.contains("Content Security Policy")), "{complaints:?}");
}
