//! Who acts, and what the application says about it.

use std::cell::RefCell;
use std::ffi::CStr;

use pgrx::pg_sys;
use serde_json::{Map, Value};

use super::settings;

/// Role that logged in: nothing that a session can change without being a superuser.
pub(super) fn actor() -> String {
    // SAFETY: a value of the session.
    role_name(unsafe { pg_sys::GetSessionUserId() })
}

fn role_name(role: pg_sys::Oid) -> String {
    // SAFETY: returns null for a role that is gone; otherwise a string in the current context.
    unsafe {
        let name = pg_sys::GetUserNameFromId(role, true);
        if name.is_null() { role.to_u32().to_string() } else { CStr::from_ptr(name).to_string_lossy().into_owned() }
    }
}

/// A setting that an application may have made up.
fn custom(name: &CStr) -> Option<&str> {
    // SAFETY: with missing_ok an unknown name gives null; the string lives until the setting changes,
    // and is used before that.
    unsafe {
        let value = pg_sys::GetConfigOption(name.as_ptr(), true, false);
        if value.is_null() { None } else { CStr::from_ptr(value).to_str().ok().filter(|text| !text.is_empty()) }
    }
}

thread_local! {
    /// The last text of `request.jwt.claims` and of `request.headers`, and what was in it.
    static REQUEST: RefCell<(String, String, Map<String, Value>)> = RefCell::default();
}

/// What PostgREST and its relatives set for each request.
fn request() -> Map<String, Value> {
    let claims = custom(c"request.jwt.claims").unwrap_or_default();
    let headers = custom(c"request.headers").unwrap_or_default();
    if claims.is_empty() && headers.is_empty() {
        return Map::new();
    }
    REQUEST.with_borrow_mut(|(last_claims, last_headers, found)| {
        if last_claims != claims || last_headers != headers {
            *found = read_request(claims, headers);
            claims.clone_into(last_claims);
            headers.clone_into(last_headers);
        }
        found.clone()
    })
}

fn read_request(claims: &str, headers: &str) -> Map<String, Value> {
    let mut found = Map::new();
    let mut take = |text: &str, pairs: &[(&str, &str)]| {
        let Ok(Value::Object(object)) = serde_json::from_str::<Value>(text) else { return };
        for (from, to) in pairs {
            if let Some(value) = object.get(*from).filter(|value| value.is_string()) {
                found.insert((*to).to_owned(), value.clone());
            }
        }
    };
    take(claims, &[("sub", "actor"), ("role", "role")]);
    take(headers, &[("x-request-id", "request_id"), ("user-agent", "user_agent"), ("x-forwarded-for", "ip")]);
    found
}

/// The circumstances as JSON text; `None` where there is nothing to say.
pub(super) fn context() -> Option<String> {
    let mut found = request();
    for (name, setting) in [
        ("actor", &settings::ACTOR),
        ("request_id", &settings::REQUEST_ID),
        ("reason", &settings::REASON),
        ("ip", &settings::IP),
        ("user_agent", &settings::USER_AGENT),
    ] {
        if let Some(text) = settings::text(setting) {
            found.insert(name.to_owned(), text.into());
        }
    }
    // SAFETY: values of the session.
    let (session, outer) = unsafe { (pg_sys::GetSessionUserId(), pg_sys::GetOuterUserId()) };
    if session != outer {
        found.insert("current_role".to_owned(), role_name(outer).into());
    }
    if let Some(name) = custom(c"application_name") {
        found.insert("application".to_owned(), name.into());
    }
    (!found.is_empty()).then(|| Value::Object(found).to_string())
}
