//! What a vendor's answers mean.

use super::*;

/// Judges as the engine would have it, for every call that a message can need.
fn each_judged(reply: &Reply, check: impl Fn(&dyn Connector, &Call<'_>, Outcome)) {
    for connector in ALL {
        let (settings, channel, message) = (settings(*connector), channel(), plain(connector.side()));
        for thread in [None, Some("cnv_1")] {
            let context = context(&settings, Some(&channel), thread);
            for call in calls(&message) {
                check(*connector, &call, connector.judge(&call, &context, reply));
            }
        }
    }
}

fn answered(status: u16, body: &[u8]) -> Reply {
    Reply::Answer(Answer::of(status, "application/json", body))
}

#[test]
fn a_send_is_done_only_with_an_id() {
    for status in [200, 201, 202, 204, 299] {
        for body in GARBAGE {
            each_judged(&answered(status, body), |connector, call, outcome| {
                let about = format!("{} {call:?}: {status} {body:?}: {outcome:?}", connector.name());
                match (call, &outcome) {
                    (Call::Deliver(_), Outcome::Done(Done::Delivered(seen))) => {
                        assert!(has_id(seen), "{about}");
                    }
                    (Call::Deliver(_), Outcome::Unknown(_)) => {}
                    (Call::Deliver(_), _) => panic!("{about}"),
                    // What a look-up does not show is sent again: an answer that cannot be read is no empty
                    // page.
                    (Call::LookUp { .. }, _) => assert!(!matches!(outcome, Outcome::Done(_)), "{about}"),
                    _ => {}
                }
            });
        }
    }
}

#[test]
fn a_send_without_a_clear_answer_is_unknown_and_never_refused() {
    let mut unclear = vec![Reply::NoAnswer("timed out".to_owned())];
    for status in [500, 502, 503, 504, 520, 599] {
        unclear.extend(GARBAGE.map(|body| answered(status, body)));
        let error = json!({"code": 400, "status": 400, "message": "bad", "_error": {"status": 400, "message": "bad"}});
        unclear.push(Reply::Answer(Answer::json(status, &error)));
    }
    for reply in unclear {
        each_judged(&reply, |connector, call, outcome| {
            let about = format!("{} {call:?}: {reply:?}: {outcome:?}", connector.name());
            match call {
                Call::Deliver(_) | Call::Note { .. } => {
                    assert!(matches!(outcome, Outcome::Unknown(_)), "{about}");
                }
                _ => assert!(!matches!(outcome, Outcome::Done(_)), "{about}"),
            }
        });
    }
}

#[test]
fn what_never_left_is_tried_later() {
    each_judged(&Reply::NotSent("no connection".to_owned()), |connector, call, outcome| {
        let Outcome::Refused(refusal) = outcome else { panic!("{} {call:?}: {outcome:?}", connector.name()) };
        assert_eq!(refusal.kind, RefusalKind::Later, "{} {call:?}", connector.name());
    });
}

#[test]
fn a_throttle_is_kept_with_its_wait() {
    for (given, expected) in [(Some("7"), Some(Duration::from_secs(7))), (Some("soon"), None), (None, None)] {
        let mut answer = Answer::json(429, &json!({}));
        answer.headers.extend(given.map(|seconds| header("retry-after", seconds)));
        each_judged(&Reply::Answer(answer), |connector, call, outcome| {
            let Outcome::Refused(refusal) = outcome else {
                panic!("{} {call:?}: {outcome:?}", connector.name())
            };
            assert_eq!(refusal.kind, RefusalKind::Throttled(expected), "{} {call:?}", connector.name());
        });
    }
}

#[test]
fn refusals_are_refusals_with_words() {
    for status in [400, 401, 403, 404, 405, 409, 413, 415, 422] {
        for body in GARBAGE {
            each_judged(&answered(status, body), |connector, call, outcome| {
                let about = format!("{} {call:?}: {status} {body:?}: {outcome:?}", connector.name());
                let Outcome::Refused(refusal) = outcome else {
                    // Whether a conflict means that it is there already, the vendor has to say.
                    assert!(status == 409 && matches!(outcome, Outcome::Unknown(_)), "{about}");
                    return;
                };
                assert!(!refusal.message.trim().is_empty(), "{about}");
                assert!(refusal.message.chars().count() <= 300, "{about}");
                if status == 401 {
                    assert_eq!(refusal.kind, RefusalKind::Credentials, "{about}");
                }
            });
        }
    }
}
