use canon_core::limit::{Exception, Pattern, Quota};

use super::super::pack;
use super::super::usage::Id;
use super::{Config, Options, Policies, Policy};
use crate::cache::{self, Sources, TextRow};
use crate::error::{Error, Result};

const POLICIES: &str = "
    SELECT p.id, p.policy_name, p.endpoint_pattern, p.applies_to_role,
        p.max_requests_per_hour, p.max_requests_per_day, p.max_requests_per_month,
        o.max_requests_per_hour, o.max_requests_per_day, o.max_requests_per_month,
        CASE WHEN o.created_at > '-infinity' THEN (extract(epoch FROM least(o.created_at, '9999-01-01')) * 1000000)::bigint END,
        CASE WHEN o.expires_at < 'infinity' THEN (extract(epoch FROM greatest(o.expires_at, '0001-01-01')) * 1000000)::bigint END,
        s.shadow, s.time_zone, s.durable, (extract(epoch FROM s.anchor) * 1000000)::bigint
    FROM saas.quota_policies p
    LEFT JOIN saas.organization_quota_overrides o ON o.policy_id = p.id AND o.organization_id = $1::uuid
    LEFT JOIN canon.rate_limit_policy s ON s.policy = p.policy_name
    WHERE p.is_active ORDER BY p.policy_name";

const CONFIGS: &str = "
    SELECT c.id, c.resource_type, c.endpoint_pattern, c.max_requests, c.window_seconds, c.quota_monthly,
        s.shadow, s.time_zone, s.durable, (extract(epoch FROM s.anchor) * 1000000)::bigint
    FROM saas.rate_limit_config c
    LEFT JOIN canon.rate_limit_policy s ON s.policy = c.id::text
    WHERE c.organization_id = $1::uuid AND c.enabled ORDER BY c.id";

/// Reads the policies that concern an organisation.
pub(super) fn policies(organization: Id, sources: &mut Sources) -> Result<Policies> {
    pack::add_policy_tables(sources);
    let id = uuid(&organization);
    pack::as_owner(|| {
        let policies = cache::read(POLICIES, &[&id])?.iter().map(policy).collect::<Result<_>>()?;
        let configs = cache::read(CONFIGS, &[&id])?.iter().map(config).collect::<Result<_>>()?;
        Ok(Policies { policies, configs })
    })
}

pub(super) fn uuid(id: &Id) -> String {
    super::super::usage::uuid(id)
}

fn text(row: &TextRow, column: usize) -> Result<&str> {
    row.get(column).and_then(Option::as_deref).ok_or_else(|| Error::Internal("a policy has a NULL".to_owned()))
}

fn number(row: &TextRow, column: usize) -> Result<i64> {
    text(row, column)?.parse().map_err(|_| Error::Internal("a limit of a policy is no number".to_owned()))
}

fn optional(row: &TextRow, column: usize) -> Option<i64> {
    number(row, column).ok()
}

fn options(row: &TextRow, first: usize) -> Options {
    Options {
        shadow: row[first].as_deref() == Some("t"),
        time_zone: row[first + 1].clone().unwrap_or_else(|| "UTC".to_owned()),
        durable: row[first + 2].as_deref() == Some("t"),
        anchor: optional(row, first + 3),
    }
}

fn policy(row: &TextRow) -> Result<Policy> {
    let exception = Exception {
        limits: [optional(row, 7), optional(row, 8), optional(row, 9)],
        starts_at: optional(row, 10).unwrap_or(i64::MIN),
        expires_at: optional(row, 11),
    };
    let quota = Quota {
        name: text(row, 1)?.to_owned(),
        pattern: Pattern::new(text(row, 2)?),
        role: row[3].clone(),
        limits: [number(row, 4)?, number(row, 5)?, number(row, 6)?],
        exception: Some(exception),
    };
    Ok(Policy { id: text(row, 0)?.to_owned(), quota, options: options(row, 12) })
}

fn config(row: &TextRow) -> Result<Config> {
    Ok(Config {
        id: text(row, 0)?.to_owned(),
        resource: text(row, 1)?.to_owned(),
        pattern: row[2].as_deref().map(Pattern::new),
        max_requests: number(row, 3)?,
        window_seconds: number(row, 4)?,
        monthly: optional(row, 5),
        options: options(row, 6),
    })
}
