//! The set-up step by step: as JSON, and what all faces have in common.

mod elsewhere;
mod keys;
mod page;
mod script;
mod terminal;
mod webhook;

use serde_json::{Value, json};
use std::cell::Cell;
use twinwire_sandbox::{Fault, Operation, Rule};
use twinwire_tests::{CUSTOMER, SUPPORT, Setting, Stack, answers};

/// A number that has no channel yet.
const SECOND: &str = "+12015550199";
const PAIR: &str = "front_signalwire";

/// The usual answer to a setting.
fn usual(name: &str) -> String {
    answers(SECOND).get(name).unwrap().to_owned()
}

/// A program that speaks JSON with the admin token.
struct Client<'a> {
    stack: &'a Stack,
    setup: String,
    /// The version of the step that it saw last.
    saw: Cell<i64>,
}

impl<'a> Client<'a> {
    /// Begins a set-up.
    async fn begin(stack: &'a Stack, body: Value) -> (Client<'a>, Value) {
        stack.signalwire.add_number(SECOND);
        let (status, shown) = post(stack, "/v1/setup", &body).await;
        assert_eq!(status, 201, "{shown}");
        let setup = shown["setup"].as_str().unwrap().to_owned();
        let saw = Cell::new(shown["version"].as_i64().unwrap());
        (Client { stack, setup, saw }, shown)
    }

    /// One that was begun, and was not looked at yet.
    fn of(stack: &'a Stack, setup: &str) -> Client<'a> {
        Client { stack, setup: setup.to_owned(), saw: Cell::new(0) }
    }

    /// Begins one with all the usual answers.
    async fn answered(stack: &'a Stack) -> (Client<'a>, Value) {
        let answers: Value = answers(SECOND)
            .iter()
            .map(|(name, value)| (name.to_owned(), json!(value)))
            .collect::<serde_json::Map<_, _>>()
            .into();
        Client::begin(stack, json!({ "pair": PAIR, "answers": answers })).await
    }

    async fn say(&self, said: Value) -> Value {
        let (status, shown) = self.says(&said).await;
        assert_eq!(status, 200, "{said}: {shown}");
        shown
    }

    /// Says something of the step that it saw last.
    async fn says(&self, said: &Value) -> (u16, Value) {
        let mut said = said.clone();
        said["version"] = self.saw.get().into();
        let (status, shown) = self.posts(&said).await;
        self.saw.set(shown["version"].as_i64().unwrap_or(self.saw.get()));
        (status, shown)
    }

    async fn posts(&self, said: &Value) -> (u16, Value) {
        post(self.stack, &format!("/v1/setup/{}", self.setup), said).await
    }

    async fn look(&self) -> Value {
        let (status, shown) =
            ask(self.stack, "GET", &format!("/v1/setup/{}", self.setup), None, "admin").await;
        assert_eq!(status, 200, "{shown}");
        self.saw.set(shown["version"].as_i64().unwrap());
        shown
    }
}

async fn post(stack: &Stack, path: &str, body: &Value) -> (u16, Value) {
    ask(stack, "POST", path, Some(body), "admin").await
}

async fn ask(stack: &Stack, method: &str, path: &str, body: Option<&Value>, token: &str) -> (u16, Value) {
    let request = reqwest::Client::new().request(method.parse().unwrap(), format!("{}{path}", stack.url()));
    let request = request.header("authorization", format!("Bearer {token}"));
    let answer = request.body(body.map(Value::to_string).unwrap_or_default()).send().await.unwrap();
    let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
    for secret in ["token", "signing_key"] {
        assert!(!text.contains(&usual(secret)), "an answer comes back: {text}");
    }
    (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("{method} {path}: {status} {text}")))
}

/// The key that is to be pasted in Front.
fn key(shown: &Value) -> String {
    let lines =
        shown["todo"].as_array().unwrap().iter().flat_map(|section| section["lines"].as_array().unwrap());
    let mut pastes = lines.filter_map(|line| line["paste"].as_str());
    pastes.find(|paste| paste.starts_with("sk_")).unwrap().to_owned()
}

#[tokio::test]
async fn by_json_a_channel_is_made_step_by_step_and_the_end_is_that_front_has_connected_it() {
    let stack = Stack::start().await;
    let (client, mut shown) = Client::begin(&stack, json!({ "pair": PAIR })).await;
    for (nth, name) in ["phone", "space", "project", "token", "signing_key"].iter().enumerate() {
        assert_eq!((&shown["step"], &shown["setting"]), (&json!("ask"), &json!(name)), "{shown}");
        assert_eq!((&shown["nth"], &shown["wrong"]), (&json!(nth + 1), &Value::Null), "{shown}");
        assert_eq!(shown["secret"], json!(["token", "signing_key"].contains(name)));
        assert_eq!(stack.count("select count(*) from channels").await, 1, "nothing is made before the end");
        shown = client.say(json!({ "answer": usual(name) })).await;
    }
    assert_eq!(shown["step"], "confirm", "{shown}");
    assert_eq!(stack.count("select count(*) from channels").await, 2);
    let shown = client.say(json!({ "webhook": "set" })).await;
    assert_eq!(shown["step"], "show", "{shown}");
    let server = format!("{}/v1/install/{PAIR}/authorization", stack.url());
    assert!(shown.to_string().contains(&server), "{shown}");
    let key = key(&shown);
    let shown = client.say(json!({ "continue": true })).await;
    assert_eq!((&shown["step"], &shown["at"]), (&json!("wait"), &json!("Front")));
    let inbox = stack.front.connect(&key).await.unwrap().id;
    let shown = client.look().await;
    assert_eq!(shown["step"], "done", "{shown}");
    stack.signalwire.customer_texts(CUSTOMER, SECOND, "Hello").await;
    stack.settle().await;
    assert_eq!(stack.front.messages(&inbox, CUSTOMER).len(), 1);
}

#[tokio::test]
async fn what_the_provider_refuses_is_asked_again_in_its_words_and_nothing_is_made_meanwhile() {
    let stack = Stack::start().await;
    let (client, _) = Client::begin(&stack, json!({ "pair": PAIR })).await;
    for name in ["phone", "space", "project"] {
        client.say(json!({ "answer": usual(name) })).await;
    }
    // An answer that makes no sense is asked again at once.
    let shown = client.say(json!({ "answer": "PSK_is_a_signing_key" })).await;
    assert!(
        shown["setting"] == "token" && shown["wrong"].as_str().unwrap().contains("signing key"),
        "{shown}"
    );
    // One that SignalWire refuses as well: before the next question.
    let shown = client.say(json!({ "answer": "PTwrong" })).await;
    assert!(shown["wrong"].as_str().unwrap().contains("SignalWire refused"), "{shown}");
    assert!(!shown.to_string().contains("PTwrong"), "{shown}");
    assert_eq!((&shown["setting"], &shown["default"]), (&json!("space"), &json!("acme")));
    assert_eq!(stack.count("select count(*) from channels").await, 1);
    assert_eq!(stack.count("select count(*) from accounts").await, 2);
    // What was right stays by an empty answer.
    client.say(json!({ "answer": "" })).await;
    let shown = client.say(json!({ "answer": "" })).await;
    assert_eq!(shown["setting"], "token", "{shown}");
    let shown = client.say(json!({ "answer": usual("token") })).await;
    assert_eq!((&shown["setting"], &shown["wrong"]), (&json!("signing_key"), &Value::Null), "{shown}");
    // Back, and forth again: the credentials are tried anew.
    let shown = client.say(json!({ "back": "phone" })).await;
    assert_eq!((&shown["setting"], &shown["default"]), (&json!("phone"), &json!(SECOND)));
    let shown = client.say(json!({ "answer": "+1 201 555 0199" })).await;
    assert_eq!(shown["setting"], "signing_key", "{shown}");
    // The account has a signing key already, from its other number: left empty, it stays.
    let shown = client.say(json!({ "answer": "" })).await;
    assert_eq!(shown["step"], "confirm", "{shown}");
    assert_eq!(stack.signalwire.webhook(SECOND), None);
}

#[tokio::test]
async fn a_provider_that_is_away_is_no_reason_to_begin_anew() {
    let stack = Stack::start().await;
    stack
        .signalwire
        .faults()
        .add(Rule::new(Fault::ServerErrorBefore(503)).on(Operation::ListMessages).times(1));
    let (client, shown) = Client::answered(&stack).await;
    assert!(shown["wrong"].as_str().unwrap().contains("could not be asked"), "{shown}");
    client.say(json!({ "answer": "" })).await;
    client.say(json!({ "answer": "" })).await;
    assert_eq!(client.say(json!({ "answer": "" })).await["step"], "confirm");
}

#[tokio::test]
async fn a_set_up_goes_on_after_a_restart_and_nothing_of_it_stands_in_plain() {
    let mut stack = Stack::start().await;
    let (client, _) = Client::begin(&stack, json!({ "pair": PAIR })).await;
    let setup = client.setup.clone();
    for name in ["phone", "space", "project", "token"] {
        client.say(json!({ "answer": usual(name) })).await;
    }
    let rows: Vec<String> =
        sqlx::query_scalar("select t::text from setups t").fetch_all(&stack.pool).await.unwrap();
    assert_eq!(rows.len(), 1);
    for secret in [usual("token"), usual("project"), SECOND.to_owned()] {
        let hex = secret.bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        assert!(!rows.iter().any(|row| row.contains(&secret) || row.contains(&hex)));
    }
    stack.stop_server().await;
    stack.start_server().await;
    let client = Client::of(&stack, &setup);
    let shown = client.look().await;
    assert_eq!(shown["setting"], "signing_key", "{shown}");
    assert_eq!(shown["answered"], json!(["phone", "space", "project", "token"]));
    assert_eq!(client.say(json!({ "answer": usual("signing_key") })).await["step"], "confirm");
    // A day later it is over.
    sqlx::query("update setups set expires_at = now()").execute(&stack.pool).await.unwrap();
    assert_eq!(client.says(&json!({ "webhook": "set" })).await.0, 404);
    assert_eq!(stack.signalwire.webhook(SECOND), None);
}

#[tokio::test]
async fn of_two_who_answer_at_once_one_is_told_and_no_answer_is_lost() {
    let stack = Stack::start().await;
    let (client, _) = Client::begin(&stack, json!({ "pair": PAIR })).await;
    let (one, two) = (json!({ "answers": { "space": "acme" } }), json!({ "answers": { "phone": SECOND } }));
    // Neither names a version: each answer says what it answers.
    let ((first, _), (second, _)) = tokio::join!(client.posts(&one), client.posts(&two));
    let answered = client.look().await["answered"].clone();
    match (first, second) {
        (200, 200) => assert_eq!(answered, json!(["phone", "space"])),
        (200, 409) => assert_eq!(answered, json!(["space"])),
        (409, 200) => assert_eq!(answered, json!(["phone"])),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_said_of_a_step_that_is_over_is_not_taken_for_an_answer_to_the_next_one() {
    let stack = Stack::start().await;
    let (client, shown) = Client::begin(&stack, json!({ "pair": PAIR })).await;
    let phone = json!({ "answer": SECOND, "version": shown["version"] });
    assert_eq!(client.posts(&json!({ "answer": SECOND })).await.0, 400, "it does not say of what");
    let (status, shown) = client.posts(&phone).await;
    assert_eq!((status, &shown["setting"]), (200, &json!("space")), "{shown}");
    // The answer was lost on its way, and the program sends the same again.
    let (status, refused) = client.posts(&phone).await;
    assert!(status == 409 && refused.to_string().contains("look again"), "{refused}");
    assert_eq!(client.look().await["setting"], "space");
}

#[tokio::test]
async fn an_answer_that_nobody_asks_for_is_refused_at_once_and_one_of_another_number_is_asked_again() {
    let stack = Stack::start().await;
    for (name, wrong) in [("segments_per_second", "fast"), ("long_texts", "maybe"), ("smart_encoded", "ja")] {
        let begin = json!({ "pair": PAIR, "answers": { name: wrong } });
        let (status, shown) = post(&stack, "/v1/setup", &begin).await;
        assert!(status == 400 && shown["error"].as_str().unwrap().contains(&format!("`{name}`")), "{shown}");
    }
    let channel = &stack.installed.channel.id;
    let other = json!({ "pair": "front_twilio", "channel": channel });
    let (status, shown) = post(&stack, "/v1/setup", &other).await;
    assert!(status == 400 && shown["error"].as_str().unwrap().contains("front_signalwire"), "{shown}");
    let begin = json!({ "pair": PAIR, "channel": channel, "answers": { "phone": SECOND } });
    let (client, shown) = Client::begin(&stack, begin).await;
    assert_eq!(shown["setting"], "phone", "{shown}");
    assert!(shown["wrong"].as_str().unwrap().contains("keeps its number"), "{shown}");
    let shown = client.say(json!({ "answer": SUPPORT })).await;
    assert_eq!(shown["step"], "done", "{shown}");
}

#[tokio::test]
async fn an_optional_answer_can_be_taken_back_and_a_secret_left_empty_stays() {
    let stack = Stack::start().await;
    let answers = json!({ "phone": SECOND, "account_sid": "AC00112233445566778899aabbccddeeff",
        "api_key_sid": "SK00112233445566778899aabbccddeeff", "auth_token": "" });
    let (status, shown) =
        post(&stack, "/v1/setup", &json!({ "pair": "front_twilio", "answers": answers })).await;
    assert_eq!((status, &shown["setting"]), (201, &json!("api_key_secret")), "{shown}");
    let client = Client::of(&stack, shown["setup"].as_str().unwrap());
    client.look().await;
    assert_eq!(client.say(json!({ "back": "api_key_sid" })).await["setting"], "api_key_sid");
    let shown = client.say(json!({ "answer": "" })).await;
    assert!(!shown["answered"].to_string().contains("api_key_sid"), "{shown}");
}

#[tokio::test]
async fn without_the_admin_token_nothing_is_begun_and_what_makes_no_sense_is_said() {
    let stack = Stack::start().await;
    let begin = json!({ "pair": PAIR });
    for token in ["", "wrong", "admin2"] {
        assert_eq!(ask(&stack, "POST", "/v1/setup", Some(&begin), token).await.0, 401);
    }
    assert_eq!(stack.count("select count(*) from setups").await, 0);
    for (body, status, said) in [
        (json!({}), 400, "name what to join"),
        (json!({ "pair": "front_pigeon" }), 404, "front_signalwire"),
        (json!({ "pair": PAIR, "answers": { "colour": "red" } }), 400, "`colour` is not a setting"),
        (json!({ "pair": PAIR, "answers": { "front.verification": "maybe" } }), 400, "front.verification"),
        (json!({ "pair": PAIR, "channel": "chn_nobody" }), 404, "chn_nobody"),
    ] {
        let (got, shown) = post(&stack, "/v1/setup", &body).await;
        assert!(got == status && shown["error"].as_str().unwrap().contains(said), "{body}: {got} {shown}");
    }
    let (client, _) = Client::begin(&stack, begin).await;
    for wrong in
        [json!({}), json!({ "webhook": "set" }), json!({ "continue": true }), json!({ "back": "space" })]
    {
        assert_eq!(client.says(&wrong).await.0, 400, "{wrong}");
    }
    assert_eq!(client.look().await["setting"], "phone");
}

#[tokio::test]
async fn one_answer_of_a_channel_changes_and_the_others_stay() {
    let stack = Stack::start().await;
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Before").await.unwrap();
    stack.settle().await;
    let channel = &stack.installed.channel.id;
    let begin = json!({ "pair": PAIR, "channel": channel, "answers": { "token": usual("token") } });
    let (_, shown) = Client::begin(&stack, begin).await;
    assert_eq!((&shown["step"], &shown["channel"]), (&json!("done"), &json!(channel)), "{shown}");
    for (name, value) in [("phone", SECOND), ("project", "00000000-3b44-4f7a-8e21-9a5b7c6d0e13")] {
        let begin = json!({ "pair": PAIR, "channel": channel, "answers": { name: value } });
        let (_, shown) = Client::begin(&stack, begin).await;
        assert!(shown["wrong"].as_str().unwrap().contains("as a channel of its own"), "{shown}");
    }
    assert_eq!(stack.count("select count(*) from channels").await, 1);
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "After").await.unwrap();
    stack.settle().await;
    assert_eq!(stack.texts_to(CUSTOMER), ["Before", "After"]);
}

#[tokio::test]
async fn what_the_installation_lacks_is_named_first_with_what_to_do() {
    let stack = Stack::with(Setting::default()).await;
    let bare = stack.server_without_front().await;
    let body = json!({ "pair": PAIR }).to_string();
    let url = format!("http://{}/v1/setup", bare.address);
    let request = reqwest::Client::new().post(url).bearer_auth("admin").body(body);
    let shown: Value = serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap();
    assert_eq!(shown["step"], "install", "{shown}");
    let variables: Vec<&str> =
        shown["missing"].as_array().unwrap().iter().map(|one| one["variable"].as_str().unwrap()).collect();
    assert_eq!(variables, ["TWINWIRE_FRONT_APP_ID", "TWINWIRE_FRONT_APP_SECRET"]);
    assert!(shown["todo"].to_string().contains("/v1/install/front_signalwire/authorization"), "{shown}");
    bare.stop().await;
}
