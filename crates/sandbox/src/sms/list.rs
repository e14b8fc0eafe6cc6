//! The list of messages: newest first, filtered, in pages that new messages do not shift.

use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;

use super::model::SmsMessage;
use super::routes::{Call, json_response};
use super::state::State;
use super::{DayBounds, Sms};
use crate::core::{Refusal, refused};
use crate::locked;
use crate::misbehaviour::{Operation, Stage};

const USUAL_PAGE: usize = 50;
const LARGEST_PAGE: usize = 1000;

/// The filters that exist. Whatever else is in the query is ignored without a word, as by the vendor.
const FILTERS: [&str; 6] = ["To", "From", "Status", "DateSent", "DateSent>", "DateSent<"];

/// Where a page begins and ends in the whole list.
struct Page {
    from: usize,
    to: usize,
}

/// How a vendor's lists differ.
pub(crate) struct Lists {
    /// The codes of a wrong page size, a wrong argument, a missing and an unknown page token.
    pub(crate) page_size: i64,
    pub(crate) argument: i64,
    pub(crate) no_token: i64,
    pub(crate) token: i64,
    /// What the list is ordered by, the greatest first.
    pub(crate) order: fn(&SmsMessage) -> (bool, i64, u64),
}

/// A page of a list, before the vendor's form is put around it.
pub(crate) struct Listed {
    pub(crate) uri: String,
    pub(crate) first: String,
    pub(crate) next: Option<String>,
    pub(crate) previous: Option<String>,
    pub(crate) number: usize,
    pub(crate) size: usize,
    /// Where its first message stands in the whole list.
    pub(crate) start: usize,
    pub(crate) messages: Vec<Value>,
}

impl Sms {
    pub(super) fn list(&self, call: &Call) -> Result<Response, Refusal> {
        let (dialect, account) = (self.inner.dialect, &self.inner.setup.account);
        let codes = &dialect.lists;
        let size = call.field("PageSize").map_or(Ok(USUAL_PAGE), str::parse);
        let size = size.ok().filter(|size| (1..=LARGEST_PAGE).contains(size));
        let size = size.ok_or_else(|| refused(400, codes.page_size, "The page size is not valid"))?;
        let number = call.field("Page").map_or(Ok(0), str::parse::<usize>);
        let number = number.map_err(|_| refused(400, codes.argument, "The page is not valid"))?;
        if number > 0 && call.field("PageToken").is_none() {
            return Err(refused(400, codes.no_token, "The page token is missing"));
        }
        let days = days(call, codes.argument)?;
        let (page, rows, all) = self.rows(call, &days, size)?;
        let suffix = if dialect.suffix { ".json" } else { "" };
        let base = format!("{}/Accounts/{account}/Messages{suffix}", dialect.root);
        let link = |number: usize, token: Option<String>| address(&base, call, size, number, token);
        let next = rows.last().filter(|_| page.to < all);
        let next = next.map(|last| link(number + 1, Some(format!("PA{}", last.sid))));
        let previous = rows.first().filter(|_| page.from > 0);
        let previous = previous.map(|first| link(number.saturating_sub(1), Some(format!("PB{}", first.sid))));
        let listed = Listed {
            uri: link(number, call.field("PageToken").map(str::to_owned)),
            first: link(0, None),
            next,
            previous,
            number,
            size,
            start: page.from,
            messages: rows.iter().map(|message| (dialect.resource)(message, account)).collect(),
        };
        let more = listed.next.is_some();
        let answer = (dialect.page)(&listed);
        if more {
            let to = call.field("To").unwrap_or_default();
            let insert = self.core().faults.take(Stage::Listing, Operation::ListMessages, to, "");
            if insert.is_some() {
                self.stranger_texts();
            }
        }
        Ok(json_response(StatusCode::OK, &answer))
    }

    /// A page, the messages on it, and how many there are in all.
    fn rows(
        &self,
        call: &Call,
        days: &[(String, NaiveDate)],
        size: usize,
    ) -> Result<(Page, Vec<SmsMessage>, usize), Refusal> {
        let state = locked(&self.inner.state);
        let whole = self.filtered(&state, call, days);
        let page = page(&whole, call.field("PageToken"), size, self.inner.dialect.lists.token)?;
        let rows = whole.get(page.from..page.to).unwrap_or_default();
        let rows = rows.iter().map(|message| (*message).clone()).collect();
        Ok((page, rows, whole.len()))
    }

    /// Only looked at, not copied: there may be many, and every poll comes by here.
    fn filtered<'a>(
        &self,
        state: &'a State,
        call: &Call,
        days: &[(String, NaiveDate)],
    ) -> Vec<&'a SmsMessage> {
        let is = |name: &str, value: &str| call.field(name).is_none_or(|wanted| wanted == value);
        let now = Utc::now();
        let wanted = |m: &&SmsMessage| {
            m.visible_from <= now
                && is("To", &m.to)
                && is("From", m.shown_from())
                && is("Status", &m.status)
                && days.iter().all(|(name, day)| self.sent_when(m.date_sent, name, *day))
        };
        let mut list: Vec<&SmsMessage> = state.messages.iter().filter(wanted).collect();
        list.sort_by_key(|m| std::cmp::Reverse((self.inner.dialect.lists.order)(m)));
        list
    }

    /// A message without a date is in no list that is filtered by date.
    fn sent_when(&self, sent: Option<DateTime<Utc>>, name: &str, day: NaiveDate) -> bool {
        let Some(sent) = sent.map(|at| at.date_naive()) else { return false };
        let inclusive = self.inner.setup.day_bounds == DayBounds::Inclusive;
        match name {
            "DateSent>" => sent > day || (inclusive && sent == day),
            "DateSent<" => sent < day || (inclusive && sent == day),
            _ => sent == day,
        }
    }
}

/// The date filters of a query; days are those of UTC.
fn days(call: &Call, code: i64) -> Result<Vec<(String, NaiveDate)>, Refusal> {
    let mut days = Vec::new();
    for name in ["DateSent", "DateSent>", "DateSent<"] {
        let Some(text) = call.field(name) else { continue };
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d");
        let day = day.map_err(|_| refused(400, code, "The date is not valid"))?;
        days.push((name.to_owned(), day));
    }
    Ok(days)
}

/// A token names the message beside the page: `PA…` the last one before it, `PB…` the first one after it.
fn page(whole: &[&SmsMessage], token: Option<&str>, size: usize, code: i64) -> Result<Page, Refusal> {
    let Some(token) = token else { return Ok(Page { from: 0, to: size.min(whole.len()) }) };
    let invalid = || refused(400, code, "The page token is not valid");
    let find = |sid: &str| whole.iter().position(|message| message.sid == sid).ok_or_else(invalid);
    if let Some(sid) = token.strip_prefix("PA") {
        let from = find(sid)? + 1;
        return Ok(Page { from, to: (from + size).min(whole.len()) });
    }
    let to = find(token.strip_prefix("PB").ok_or_else(invalid)?)?;
    Ok(Page { from: to.saturating_sub(size), to })
}

fn address(base: &str, call: &Call, size: usize, number: usize, token: Option<String>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in call.fields.iter().filter(|(name, _)| FILTERS.contains(&name.as_str())) {
        query.append_pair(name, value);
    }
    query.append_pair("Page", &number.to_string());
    query.append_pair("PageSize", &size.to_string());
    if let Some(token) = token {
        query.append_pair("PageToken", &token);
    }
    format!("{base}?{}", query.finish())
}
