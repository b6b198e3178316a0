//! The Rust type of every built-in type, and of those of well-known extensions.

use proc_macro2::TokenStream;
use quote::quote;

use super::traits::Traits;
use crate::config::{Client, Dates};
use crate::typename::Spelling;

/// The most digits that `rust_decimal` holds.
const DECIMAL_DIGITS: u32 = 28;

/// How a value travels where the client has no binary form of its type: the database casts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cast {
    /// The type on the wire: `text` or `real[]`, without the brackets of an array of it.
    pub(super) wire: &'static str,
}

pub(super) const TEXT: Cast = Cast { wire: "text" };

/// A Rust type.
#[derive(Clone, Debug)]
pub(super) struct Scalar {
    pub(super) rust: TokenStream,
    pub(super) traits: Traits,
    pub(super) cast: Option<Cast>,
    /// Part of the runtime that it needs.
    pub(super) part: Option<&'static str>,
}

/// The libraries that were chosen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Libraries {
    pub(super) client: Client,
    pub(super) dates: Dates,
}

const FLOAT: Traits = Traits::COPY.with(Traits::DEFAULT).with(Traits::SERDE).with(Traits::DISPLAY);
const TEXTUAL: Traits = Traits::ALL.without(Traits::COPY);

fn plain(rust: TokenStream, traits: Traits) -> Scalar {
    Scalar { rust, traits, cast: None, part: None }
}

fn runtime(rust: TokenStream, traits: Traits, part: &'static str) -> Scalar {
    Scalar { rust, traits, cast: None, part: Some(part) }
}

/// Text, whatever the type: every type can be cast to and from it.
pub(super) fn text() -> Scalar {
    Scalar { cast: Some(TEXT), ..plain(quote!(String), TEXTUAL) }
}

/// An array as texts.
pub(super) fn text_array() -> Scalar {
    let traits = TEXTUAL.without(Traits::DISPLAY);
    Scalar { cast: Some(Cast { wire: "text[]" }), ..plain(quote!(Vec<String>), traits) }
}

impl Libraries {
    fn sqlx(self) -> bool {
        self.client == Client::Sqlx
    }

    /// The Rust type of a built-in or well-known type; None for any other.
    pub(super) fn scalar(self, ty: &Spelling<'_>) -> Option<Scalar> {
        if let Some(range) = self.range(&ty.name) {
            return Some(range);
        }
        let name = ty.name.as_str();
        Some(match name {
            "smallint" => plain(quote!(i16), Traits::ALL),
            "integer" => plain(quote!(i32), Traits::ALL),
            "bigint" => plain(quote!(i64), Traits::ALL),
            "real" => plain(quote!(f32), FLOAT),
            "double precision" => plain(quote!(f64), FLOAT),
            "boolean" => plain(quote!(bool), Traits::ALL),
            "numeric" if digits(ty.modifiers) > DECIMAL_DIGITS => text(),
            "numeric" => plain(quote!(rust_decimal::Decimal), Traits::ALL),
            "text" | "character varying" | "character" | "bpchar" | "name" => plain(quote!(String), TEXTUAL),
            "citext" | "public.citext" => plain(quote!(String), TEXTUAL),
            "\"char\"" => plain(quote!(i8), Traits::ALL),
            "bytea" => plain(quote!(Vec<u8>), TEXTUAL.without(Traits::DISPLAY)),
            "uuid" => plain(quote!(uuid::Uuid), Traits::ALL),
            "json" | "jsonb" => plain(quote!(serde_json::Value), JSON),
            "oid" if self.sqlx() => runtime(quote!(rt::Oid), Traits::ALL.without(Traits::DISPLAY), "oid"),
            "oid" => plain(quote!(u32), Traits::ALL),
            "date" | "time without time zone" | "timestamp without time zone" | "timestamp with time zone" => {
                self.date(name)?
            }
            "time with time zone" => self.zoned_time(),
            "inet" | "cidr" | "macaddr" | "macaddr8" => self.network(name),
            "bit" | "bit varying" if self.sqlx() => text(),
            "bit" | "bit varying" => runtime(quote!(rt::Bits), TEXTUAL, "bits"),
            "money" => runtime(quote!(rt::Money), Traits::ALL.without(Traits::DISPLAY), "money"),
            "hstore" | "public.hstore" if !self.sqlx() => plain(
                quote!(std::collections::HashMap<String, Option<String>>),
                Traits::EQ.with(Traits::DEFAULT).with(Traits::SERDE),
            ),
            "ltree" | "lquery" | "ltxtquery" if !self.sqlx() => plain(quote!(String), TEXTUAL),
            // pgvector casts both ways; its own crate can be had by an override.
            "vector" | "halfvec" | "public.vector" | "public.halfvec" => Scalar {
                cast: Some(Cast { wire: "real[]" }),
                ..plain(quote!(Vec<f32>), Traits::DEFAULT.with(Traits::SERDE))
            },
            "point" | "line" | "lseg" | "box" | "path" | "polygon" | "circle" if self.sqlx() => text(),
            "point" => geometric(quote!(rt::Point), true),
            "line" => geometric(quote!(rt::Line), true),
            "lseg" => geometric(quote!(rt::LineSegment), true),
            "box" => geometric(quote!(rt::Rectangle), true),
            "circle" => geometric(quote!(rt::Circle), true),
            "path" => geometric(quote!(rt::Path), false),
            "polygon" => geometric(quote!(rt::Polygon), false),
            _ if name.starts_with("interval") => self.interval(),
            _ => return None,
        })
    }

    fn date(self, name: &str) -> Option<Scalar> {
        let rust = match (self.dates, name) {
            (Dates::Chrono, "date") => quote!(chrono::NaiveDate),
            (Dates::Chrono, "time without time zone") => quote!(chrono::NaiveTime),
            (Dates::Chrono, "timestamp without time zone") => quote!(chrono::NaiveDateTime),
            (Dates::Chrono, "timestamp with time zone") => quote!(chrono::DateTime<chrono::Utc>),
            (Dates::Jiff, "date") => quote!(jiff::civil::Date),
            (Dates::Jiff, "time without time zone") => quote!(jiff::civil::Time),
            (Dates::Jiff, "timestamp without time zone") => quote!(jiff::civil::DateTime),
            (Dates::Jiff, "timestamp with time zone") => quote!(jiff::Timestamp),
            (Dates::Time, "date") => quote!(time::Date),
            (Dates::Time, "time without time zone") => quote!(time::Time),
            (Dates::Time, "timestamp without time zone") => quote!(time::PrimitiveDateTime),
            (Dates::Time, "timestamp with time zone") => quote!(time::OffsetDateTime),
            _ => return None,
        };
        // `time` has no moment that stands for none.
        let traits = if self.dates == Dates::Time { Traits::ALL.without(Traits::DEFAULT) } else { Traits::ALL };
        Some(plain(rust, traits))
    }

    fn zoned_time(self) -> Scalar {
        if self.sqlx() {
            return text();
        }
        let time = self.date("time without time zone").map_or(Traits::NONE, |time| time.traits);
        // 12:00+01 and 11:00+00 are the same moment and not the same value: no order.
        runtime(quote!(rt::TimeTz), time.without(Traits::ORD.with(Traits::DISPLAY)), "timetz")
    }

    fn interval(self) -> Scalar {
        // A month is neither more nor less than 30 days: no order.
        let traits = Traits::ALL.without(Traits::ORD.with(Traits::DISPLAY));
        runtime(quote!(rt::Interval), traits, "interval")
    }

    fn network(self, name: &str) -> Scalar {
        let no_default = Traits::ALL.without(Traits::DEFAULT);
        match (name, self.sqlx()) {
            ("inet" | "cidr", true) => plain(quote!(ipnetwork::IpNetwork), no_default),
            (_, true) => text(),
            ("inet", _) => plain(quote!(cidr::IpInet), no_default),
            ("cidr", _) => plain(quote!(cidr::IpCidr), no_default),
            ("macaddr", _) => runtime(quote!(rt::MacAddr), Traits::ALL, "macaddr"),
            _ => runtime(quote!(rt::MacAddr8), Traits::ALL, "macaddr8"),
        }
    }

    /// The built-in ranges and multiranges.
    fn range(self, name: &str) -> Option<Scalar> {
        let (subtype, multi) = match name {
            "int4range" => ("integer", false),
            "int8range" => ("bigint", false),
            "numrange" => ("numeric", false),
            "daterange" => ("date", false),
            "tsrange" => ("timestamp without time zone", false),
            "tstzrange" => ("timestamp with time zone", false),
            "int4multirange" => ("integer", true),
            "int8multirange" => ("bigint", true),
            "nummultirange" => ("numeric", true),
            "datemultirange" => ("date", true),
            "tsmultirange" => ("timestamp without time zone", true),
            "tstzmultirange" => ("timestamp with time zone", true),
            _ => return None,
        };
        let element = self.scalar(&Spelling::parse(subtype))?;
        Some(self.range_of(&element, multi, true))
    }

    /// A range of any type; `builtin` where PostgreSQL has it. sqlx knows no other ranges, and
    /// tokio-postgres no other multiranges.
    pub(super) fn range_of(self, element: &Scalar, multi: bool, builtin: bool) -> Scalar {
        if element.cast.is_some() || (self.sqlx() && multi) || (!builtin && (self.sqlx() || multi)) {
            return text();
        }
        let rust = &element.rust;
        let traits = element.traits & Traits::EQ.with(Traits::HASH).with(Traits::COPY).with(Traits::SERDE);
        if multi {
            let traits = traits.without(Traits::COPY).with(Traits::DEFAULT);
            runtime(quote!(rt::Multirange<#rust>), traits, "multirange")
        } else {
            runtime(quote!(rt::Range<#rust>), traits, "range")
        }
    }
}

/// `Value` is `Hash` only in newer versions of serde_json, so that is not counted on.
const JSON: Traits = Traits::EQ.with(Traits::DEFAULT).with(Traits::SERDE).with(Traits::DISPLAY);

fn geometric(rust: TokenStream, copy: bool) -> Scalar {
    let traits = if copy { Traits::COPY } else { Traits::NONE };
    runtime(rust, traits.with(Traits::DEFAULT).with(Traits::SERDE), "geometric")
}

/// The declared precision of a numeric, 0 where there is none.
fn digits(modifiers: &str) -> u32 {
    modifiers.split(',').next().and_then(|p| p.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKIO: Libraries = Libraries { client: Client::TokioPostgres, dates: Dates::Chrono };

    fn rust(libraries: Libraries, ty: &str) -> Option<String> {
        libraries.scalar(&Spelling::parse(ty)).map(|s| s.rust.to_string().replace(' ', ""))
    }

    #[test]
    fn every_library_has_its_own_types() {
        let jiff = Libraries { dates: Dates::Jiff, ..TOKIO };
        let time = Libraries { dates: Dates::Time, ..TOKIO };
        let sqlx = Libraries { client: Client::Sqlx, ..TOKIO };
        let zoned = "timestamp(6) with time zone";
        assert_eq!(rust(TOKIO, zoned).unwrap(), "chrono::DateTime<chrono::Utc>");
        assert_eq!(rust(jiff, zoned).unwrap(), "jiff::Timestamp");
        assert_eq!(rust(time, zoned).unwrap(), "time::OffsetDateTime");
        assert_eq!(rust(TOKIO, "interval").unwrap(), "rt::Interval");
        assert_eq!(rust(sqlx, "interval").unwrap(), "rt::Interval");
        assert_eq!(rust(TOKIO, "tstzmultirange").unwrap(), "rt::Multirange<chrono::DateTime<chrono::Utc>>");
        assert_eq!(rust(TOKIO, "public.mood"), None);
    }

    #[test]
    fn numbers_that_do_not_fit_stay_text() {
        assert_eq!(rust(TOKIO, "numeric(28,2)").unwrap(), "rust_decimal::Decimal");
        let wide = TOKIO.scalar(&Spelling::parse("numeric(38,0)")).unwrap();
        assert_eq!((wide.rust.to_string(), wide.cast), ("String".to_owned(), Some(TEXT)));
    }
}
