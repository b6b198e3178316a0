use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

/// A status machine as it is written down.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Its name in the database, such as `orders.order`.
    pub name: String,
    /// Version of the definition; where it is absent, whoever stores the machine counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// One sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// All states, in the order in which they are shown.
    pub states: Vec<String>,
    /// States that a new row may have.
    pub initial: Vec<String>,
    /// States that are left only by transitions marked as reopening.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub terminal: Vec<String>,
    /// What the column holds for a state, where that is not its name: the key of a row of a table
    /// of statuses. For all states or for none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "values")]
    pub values: BTreeMap<String, String>,
    /// Database roles whose members may break the rules, on the record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bypass: Vec<String>,
    /// What may become of what.
    pub transitions: Vec<Transition>,
}

/// A change of state, or several that share their event, target and conditions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transition {
    /// What happens: `start`, `complete`. From one state an event leads to one other.
    pub event: String,
    /// States in which it can happen.
    #[serde(deserialize_with = "one_or_many")]
    pub from: Vec<String>,
    /// State that it leads to.
    pub to: String,
    /// SQL functions of the new row, `schema.name`, that return NULL or the reason for refusal.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_many")]
    pub guards: Vec<String>,
    /// Database roles, of which the user must be a member of one; none means everybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_many")]
    pub roles: Vec<String>,
    /// Whether a reason must be given.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub requires_reason: bool,
    /// Columns that must hold a value, in text columns one that is not blank.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_many")]
    pub requires: Vec<String>,
    /// Columns that are set in the same write.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, Stamp>,
    /// Leaves a terminal state on purpose.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reopen: bool,
}

/// What a transition writes into a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stamp {
    /// The time of the transaction.
    Now,
    /// The time of the transaction where the column is NULL.
    NowOnce,
    /// The role of the user.
    User,
    /// The reason, where one is given; the column may also bring the reason itself.
    Reason,
    /// NULL.
    Clear,
    /// One more than before; NULL counts as zero.
    Increment,
}

impl Stamp {
    /// As it is written in a definition.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::NowOnce => "now_once",
            Self::User => "user",
            Self::Reason => "reason",
            Self::Clear => "clear",
            Self::Increment => "increment",
        }
    }
}

impl Machine {
    /// What the column holds in a state.
    #[must_use]
    pub fn value<'a>(&'a self, state: &'a str) -> &'a str {
        self.values.get(state).map_or(state, String::as_str)
    }

    /// Every single change, in the order of the definition: from, to, transition.
    pub fn changes(&self) -> impl Iterator<Item = (&str, &str, &Transition)> {
        self.transitions.iter().flat_map(|t| t.from.iter().map(move |from| (from.as_str(), t.to.as_str(), t)))
    }

    /// The definition without its version: what counts when two definitions are compared.
    #[must_use]
    pub fn unversioned(&self) -> Self {
        Self { version: None, ..self.clone() }
    }
}

/// `"a"` is short for `["a"]`.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct Visitor;
    impl<'de> serde::de::Visitor<'de> for Visitor {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a string or a list of strings")
        }

        fn visit_str<E>(self, one: &str) -> Result<Self::Value, E> {
            Ok(vec![one.to_owned()])
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut all = Vec::new();
            while let Some(one) = list.next_element()? {
                all.push(one);
            }
            Ok(all)
        }
    }
    deserializer.deserialize_any(Visitor)
}

/// Keys of statuses may be written as numbers.
fn values<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a string, a whole number, or true or false")]
    enum Value {
        Text(String),
        Number(i64),
        Bool(bool),
    }
    let values = BTreeMap::<String, Value>::deserialize(deserializer)?;
    let text = |value| match value {
        Value::Text(text) => text,
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
    };
    Ok(values.into_iter().map(|(state, value)| (state, text(value))).collect())
}
