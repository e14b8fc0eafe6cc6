//! A text that is too long for one message goes out in numbered parts, in order, each once; and the agent knows of one
//! message.

use std::time::Duration;
use twinwire_core::model::{Message, Parked};
use twinwire_engine::{operator, setup};
use twinwire_sandbox::front::AgentSend;
use twinwire_sandbox::signalwire::Fate;
use twinwire_sandbox::{AgentMessage, Fault, MediaFile, Operation, Rule};
use twinwire_store::story;
use twinwire_tests::on_twilio::{NUMBER, OnTwilio};
use twinwire_tests::{CUSTOMER, OTHER_CUSTOMER, SUPPORT, Setting, Stack, answers, eventually};

mod crash;

/// A text of nearly so many characters of which no two words are the same.
pub(crate) fn long(characters: usize) -> String {
    let words: Vec<String> = (0..characters / 6).map(|nth| format!("w{nth:04}")).collect();
    words.join(" ")
}

/// What parts say together, without their numbers.
pub(crate) fn together(parts: &[String]) -> String {
    let numbered = |(nth, part): (usize, &String)| {
        let number = format!("({}/{}) ", nth + 1, parts.len());
        part.strip_prefix(&number).unwrap_or_else(|| panic!("{part} is no part {number}")).to_owned()
    };
    parts.iter().enumerate().map(numbered).collect::<Vec<_>>().join(" ")
}

/// A stack whose number sends as fast as it likes, with some answers of the set-up of their own.
async fn stack_with(own: &[(&str, &str)]) -> Stack {
    let stack = Stack::with(Setting { settling: Duration::from_millis(1200), ..Setting::default() }).await;
    set(&stack, own).await;
    stack
}

/// Runs the set-up of the number again.
async fn set(stack: &Stack, own: &[(&str, &str)]) {
    let mut answers = answers(SUPPORT);
    answers.set("segments_per_second", "1000");
    for (name, value) in own {
        answers.set(*name, *value);
    }
    setup::install(stack.engine(), "front_signalwire", &answers).await.unwrap();
}

async fn agent_writes(stack: &Stack, to: &[&str], text: &str) -> AgentSend {
    let sent = stack.front.agent_writes(&stack.channel, to, text).await.unwrap();
    assert!(sent.answer.is_success(), "{sent:?}");
    sent
}

fn asked(stack: &Stack, operation: Operation) -> Vec<String> {
    let requests = stack.front.requests();
    let asked = requests.iter().filter(|request| request.operation == Some(operation));
    asked.map(|request| request.path.clone()).collect()
}

/// The rows of the long text, part by part.
async fn parts(stack: &Stack) -> Vec<Message> {
    stack.rows().await.into_iter().filter(|row| row.part.of > 1).collect()
}

fn refused(code: i64) -> Fate {
    Fate::RefuseSync { status: 422, code, message: "Not this one".to_owned() }
}

#[tokio::test]
async fn four_thousand_characters_are_three_texts_in_order_and_one_message_to_front() {
    let stack = stack_with(&[]).await;
    let text = long(4_000);
    let sent = agent_writes(&stack, &[CUSTOMER], &text).await;
    agent_writes(&stack, &[CUSTOMER], "That was it").await;
    stack.settle().await;
    let got = stack.texts_to(CUSTOMER);
    assert_eq!((got.len(), got[3].as_str()), (4, "That was it"));
    assert_eq!(together(&got[..3]), text);
    assert!(got.iter().all(|part| part.chars().count() <= 1_600));
    let rows = parts(&stack).await;
    assert_eq!(sent.answer.json["external_id"], rows[0].external_id);
    assert!(rows.iter().all(|row| row.helpdesk_message_id == rows[0].helpdesk_message_id));
    assert!(rows.iter().all(|row| row.provider_message_id.is_some()), "{rows:?}");
    assert_eq!(stack.thread_texts(CUSTOMER), [text.as_str(), "That was it"], "the agent sees one message");
}

#[tokio::test]
async fn on_twilio_it_is_the_same() {
    let on = OnTwilio::start(NUMBER).await;
    let text = long(4_000);
    on.agent_writes(CUSTOMER, &text).await;
    on.stack.settle().await;
    let got = on.texts_to(CUSTOMER);
    assert_eq!((got.len(), together(&got)), (3, text));
    eventually("each has its receipt", || async {
        let delivered = "select count(*) from messages where provider_status = 'delivered'";
        (on.stack.count(delivered).await == 3).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_same_order_again_and_many_times_at_once_sends_nothing_more() {
    let stack = stack_with(&[]).await;
    let order = stack.front.message_request(&stack.channel, None, &[CUSTOMER], &long(4_000)).unwrap();
    let post = || async { stack.front.post(&order).await.unwrap().answer };
    let (a, b, c, d) = tokio::join!(post(), post(), post(), post());
    stack.settle().await;
    for answer in [a, b, c, d, post().await] {
        assert_eq!(answer.json["external_id"], stack.rows().await[0].external_id, "{answer:?}");
    }
    stack.settle().await;
    assert_eq!((stack.texts_to(CUSTOMER).len(), stack.rows().await.len()), (3, 3));
    assert!(stack.signalwire.duplicates().is_empty());
}

#[tokio::test]
async fn a_part_that_is_refused_ends_the_text_and_the_agent_is_told_once() {
    let stack = stack_with(&[]).await;
    stack.signalwire.script_saying("(2/3)", refused(21_614));
    let sent = agent_writes(&stack, &[CUSTOMER], &long(4_000)).await;
    agent_writes(&stack, &[CUSTOMER], "Later").await;
    stack.settle().await;
    let got = stack.texts_to(CUSTOMER);
    assert_eq!((got.len(), got[1].as_str()), (2, "Later"), "{got:?}");
    let rows = parts(&stack).await;
    let parked: Vec<_> = rows.iter().map(|row| row.parked).collect();
    assert_eq!(parked, [None, Some(Parked::Refused), Some(Parked::Incomplete)]);
    let told = asked(&stack, Operation::UpdateStatus);
    assert_eq!(told.len(), 1, "{told:?}");
    let failures = stack.front.failures(&stack.channel);
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].message_uid, sent.message.message_uid);
    let words = failures[0].error.as_ref().unwrap();
    assert!(words.starts_with("Part 2 of 3: ") && words.contains("21614"), "{words}");

    // Asking for the part again asks for the rest as well.
    stack.signalwire.script_saying("(2/3)", Fate::Deliver);
    let found = story::find(&stack.pool, &rows[1].external_id, 2).await.unwrap();
    operator::retry(stack.engine(), &found[0], false).await.unwrap();
    stack.settle().await;
    let got = stack.texts_to(CUSTOMER);
    assert_eq!(got.len(), 4, "{got:?}");
    assert_eq!(together(&[got[0].clone(), got[2].clone(), got[3].clone()]), long(4_000));
    assert_eq!(asked(&stack, Operation::UpdateStatus).len(), 1);
}

#[tokio::test]
async fn who_opted_out_gets_no_part_and_the_agent_is_told_once() {
    let stack = stack_with(&[]).await;
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "STOP").await;
    stack.settle().await;
    agent_writes(&stack, &[CUSTOMER], &long(4_000)).await;
    stack.settle().await;
    assert!(stack.texts_to(CUSTOMER).is_empty());
    let parked: Vec<_> = parts(&stack).await.iter().map(|row| row.parked).collect();
    assert_eq!(parked, [Some(Parked::OptedOut), Some(Parked::Incomplete), Some(Parked::Incomplete)]);
    assert_eq!(asked(&stack, Operation::UpdateStatus).len(), 1);
}

#[tokio::test]
async fn of_a_long_text_that_became_too_old_the_agent_is_told_once() {
    let stack = stack_with(&[]).await;
    sqlx::query("update channels set state = 'paused'").execute(&stack.pool).await.unwrap();
    agent_writes(&stack, &[CUSTOMER], &long(4_000)).await;
    sqlx::query("update messages set occurred_at = occurred_at - interval '3 days'")
        .execute(&stack.pool)
        .await
        .unwrap();
    sqlx::query("update channels set state = 'active'").execute(&stack.pool).await.unwrap();
    sqlx::query("update messages set wake_at = now()").execute(&stack.pool).await.unwrap();
    stack.settle().await;
    let parked: Vec<_> = parts(&stack).await.iter().map(|row| row.parked).collect();
    assert_eq!(parked, [Some(Parked::TooOld), Some(Parked::Incomplete), Some(Parked::Incomplete)]);
    assert_eq!(asked(&stack, Operation::UpdateStatus).len(), 1);
}

#[tokio::test]
async fn an_uncertain_part_that_an_operator_sends_again_takes_the_rest_with_it() {
    let stack = stack_with(&[]).await;
    stack.signalwire.script_saying("(2/3)", refused(21_614));
    agent_writes(&stack, &[CUSTOMER], &long(4_000)).await;
    stack.settle().await;
    let second = parts(&stack).await.remove(1).external_id;
    // As it would stand had its answer been lost and nobody could say what became of it.
    sqlx::query("update messages set parked = 'uncertain' where external_id = $1")
        .bind(&second)
        .execute(&stack.pool)
        .await
        .unwrap();
    stack.signalwire.script_saying("(2/3)", Fate::Deliver);
    let found = story::find(&stack.pool, &second, 2).await.unwrap();
    operator::not_arrived(stack.engine(), &found[0], true).await.unwrap();
    stack.settle().await;
    assert_eq!(together(&stack.texts_to(CUSTOMER)), long(4_000));
}

#[tokio::test]
async fn where_long_texts_are_refused_none_of_it_is_sent_and_the_agent_knows_why() {
    let stack = stack_with(&[("long_texts", "refuse")]).await;
    agent_writes(&stack, &[CUSTOMER], &long(4_000)).await;
    stack.settle().await;
    let rows = stack.rows().await;
    assert_eq!((rows.len(), rows[0].parked), (1, Some(Parked::Refused)));
    let words = stack.front.failures(&stack.channel)[0].error.clone().unwrap();
    assert!(words.contains("21617") && words.contains("1600 are possible"), "{words}");
    assert!(stack.texts_to(CUSTOMER).is_empty());
}

#[tokio::test]
async fn a_text_of_more_than_ten_parts_was_not_meant_for_a_phone() {
    let stack = stack_with(&[]).await;
    agent_writes(&stack, &[CUSTOMER], &long(17_000)).await;
    stack.settle().await;
    let rows = stack.rows().await;
    assert_eq!((rows.len(), rows[0].parked), (1, Some(Parked::Refused)));
    let words = stack.front.failures(&stack.channel)[0].error.clone().unwrap();
    assert!(words.contains("21617"), "{words}");
    assert!(stack.texts_to(CUSTOMER).is_empty());
}

#[tokio::test]
async fn each_of_several_people_gets_all_parts_and_their_picture_with_the_first() {
    let stack = stack_with(&[]).await;
    stack.signalwire.script_saying("(3/3)", refused(21_614));
    let picture = MediaFile::new("cat.png", "image/png", crate::media::noise(20, 20));
    let message = AgentMessage::to(&[CUSTOMER, OTHER_CUSTOMER]).text(&long(4_000)).with(picture);
    stack.front.agent_sends(&stack.channel, message).await.unwrap();
    stack.settle().await;
    for customer in [CUSTOMER, OTHER_CUSTOMER] {
        let got = stack.signalwire.outbound_to(customer);
        let files: Vec<_> = got.iter().map(|one| one.media_urls.len()).collect();
        assert_eq!(files, [1, 0], "{customer}");
        assert!(got[1].body.starts_with("(2/3) "));
    }
    stack.signalwire.script_saying("(3/3)", Fate::Deliver);
    let third =
        parts(&stack).await.into_iter().find(|row| row.part.nth == 3 && row.recipient == OTHER_CUSTOMER);
    let found = story::find(&stack.pool, &third.unwrap().external_id, 2).await.unwrap();
    operator::retry(stack.engine(), &found[0], false).await.unwrap();
    stack.settle().await;
    assert_eq!(together(&stack.texts_to(OTHER_CUSTOMER)), long(4_000));
    assert_eq!(stack.texts_to(CUSTOMER).len(), 2, "the other person's is another message");
}

#[tokio::test]
async fn a_changed_setting_does_not_send_again_what_comes_again() {
    for (before, after, texts) in [("split", "refuse", 3), ("refuse", "split", 0)] {
        let stack = stack_with(&[("long_texts", before)]).await;
        let order = stack.front.message_request(&stack.channel, None, &[CUSTOMER], &long(4_000)).unwrap();
        let first = stack.front.post(&order).await.unwrap().answer;
        stack.settle().await;
        set(&stack, &[("long_texts", after)]).await;
        let second = stack.front.post(&order).await.unwrap().answer;
        assert_eq!(first.json["external_id"], second.json["external_id"]);
        stack.settle().await;
        assert_eq!(stack.texts_to(CUSTOMER).len(), texts, "{before} {after}");
        assert_eq!(stack.rows().await.len(), texts.max(1), "{before} {after}");
        assert_eq!(asked(&stack, Operation::UpdateStatus).len(), usize::from(texts == 0));
    }
}

#[tokio::test]
async fn a_part_whose_answer_is_lost_is_looked_up_and_the_next_waits_for_it() {
    let stack = stack_with(&[]).await;
    stack.signalwire.faults().add(Rule::new(Fault::Lost).on(Operation::StatusCallback).times(100));
    stack.signalwire.faults().add(Rule::new(Fault::ResetAfter).on(Operation::SendMessage).saying("(2/3)"));
    agent_writes(&stack, &[CUSTOMER], &long(4_000)).await;
    stack.settle().await;
    assert_eq!(together(&stack.texts_to(CUSTOMER)), long(4_000));
    assert!(stack.front.failures(&stack.channel).is_empty());
}
