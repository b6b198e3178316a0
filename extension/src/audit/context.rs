//! Who acts, and what the application says about it.

use std::cell::RefCell;
use std::ffi::{CStr, CString};

use pgrx::guc::GucSetting;
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

/// What the circumstances are made of.
#[derive(Default, PartialEq)]
struct Sources {
    claims: Option<String>,
    headers: Option<String>,
    /// In the order of [`SETTINGS`].
    settings: [Option<CString>; 5],
    current_role: Option<String>,
    application: Option<String>,
}

const SETTINGS: [(&str, &GucSetting<Option<CString>>); 5] = [
    ("actor", &settings::ACTOR),
    ("request_id", &settings::REQUEST_ID),
    ("reason", &settings::REASON),
    ("ip", &settings::IP),
    ("user_agent", &settings::USER_AGENT),
];

impl Sources {
    fn now() -> Self {
        // SAFETY: values of the session.
        let (session, outer) = unsafe { (pg_sys::GetSessionUserId(), pg_sys::GetOuterUserId()) };
        Self {
            // What PostgREST and its relatives set for each request.
            claims: custom(c"request.jwt.claims").map(str::to_owned),
            headers: custom(c"request.headers").map(str::to_owned),
            settings: SETTINGS.map(|(_, setting)| setting.get()),
            current_role: (session != outer).then(|| role_name(outer)),
            application: custom(c"application_name").map(str::to_owned),
        }
    }

    fn json(&self) -> Option<String> {
        let mut found =
            read_request(self.claims.as_deref().unwrap_or_default(), self.headers.as_deref().unwrap_or_default());
        for ((name, _), setting) in SETTINGS.iter().zip(&self.settings) {
            if let Some(text) = setting.as_ref().and_then(|text| text.to_str().ok()).filter(|text| !text.is_empty()) {
                found.insert((*name).to_owned(), text.into());
            }
        }
        for (name, value) in [("current_role", &self.current_role), ("application", &self.application)] {
            if let Some(value) = value {
                found.insert(name.to_owned(), value.as_str().into());
            }
        }
        (!found.is_empty()).then(|| Value::Object(found).to_string())
    }
}

thread_local! {
    /// Rows come in numbers under the same circumstances: the last ones, and their text.
    static LAST: RefCell<(Sources, Option<String>)> = RefCell::default();
}

/// The circumstances as JSON text; `None` where there is nothing to say.
pub(super) fn context() -> Option<String> {
    let sources = Sources::now();
    LAST.with_borrow_mut(|(last, text)| {
        if *last != sources {
            *text = sources.json();
            *last = sources;
        }
        text.clone()
    })
}
