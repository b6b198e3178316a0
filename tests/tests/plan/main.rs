//! Plans: random templates copied, compared and followed; clients at once, crashes; execution.
//!
//! The rules of the engine, and the tests that hold it to them:
//!
//! | Rule | Tests |
//! |---|---|
//! | one call, one transaction, a report; safe when several ask | `a_call_reports_…`, `clients_at_once_get_one_plan` |
//! | preconditions | `bad_requests_for_a_plan_…`, `a_run_of_another_template_needs_force`, `a_role_that_may_only_read_…` |
//! | every attribute is copied, with its origin | `a_copy_has_every_attribute_…` |
//! | filter by the kind of run | `a_step_without_kinds_…`, `groups_that_the_filter_empties_…`, `a_plan_is_the_template_…` |
//! | predecessors inside the copy, bridged, in other plans | `a_predecessor_that_is_left_out_…`, `a_predecessor_in_another_plan_…` |
//! | overrides | `an_override_clears_with_null_…`, `resync_of_a_plan_converges_…` |
//! | default statuses | `new_rows_start_in_…` |
//! | lineage | `an_instance_knows_the_content_…` |
//! | idempotency, computed keys | `keys_follow_from_the_request_alone`, `bad_requests_…` (other options) |
//! | drift | `drift_names_what_…` |
//! | resync, frozen at work | `a_resync_follows_…`, `resync_of_a_plan_converges_…`, `a_plan_runs_to_its_end_…` |
//! | promote | `what_an_instance_has_learnt_…` |
//! | barriers, links and lags | `each_kind_of_link_…`, `phases_follow_their_order_…`, `a_plan_is_the_template_…` |
//! | circles | `a_circle_through_levels_…`, `any_hierarchy_can_be_a_plan` |
//! | critical path, actual times, what-if | `what_has_happened_pins_…`, `a_schedule_begins_at_midnight_…`, `a_plan_is_the_template_…` |
//! | ready set | `a_step_without_a_team_…`, `a_plan_runs_to_its_end_…`, `a_skipped_step_…` |
//! | roll-up | `groups_follow_…`, `one_roll_up_settles_…`, `a_group_without_tasks_…` |
//! | stamps, refusals, reopening | `a_reopened_step_…`, `a_plan_runs_to_its_end_…` |
//! | cancel, skip, override of a control | `a_cancelled_row_…`, `a_skipped_step_…`, `a_plan_runs_to_its_end_…` |
//! | charts and comparison | `a_chart_shows_…`, `a_comparison_marks_…`, `the_story_of_a_plan_…` |
//! | scale | `a_larger_template_takes_no_more_statements`, `a_plan_of_a_hundred_thousand_steps` |
//! | copies, schedules and resyncs of random plans | `random.rs`, and `canon-core`'s tests against a schedule found by trying |

use anyhow::Result;
use canon_tests::{Database, canon_database};
use postgres::Client;
use uuid::Uuid;

mod creation;
mod crowds;
mod execution;
mod import;
mod random;
mod requests;
mod rules;

const WEEKEND: &str = include_str!("weekend.sql");
const TEMPLATE: &str = "00000000-0000-0000-0000-0000000000b1";
const RUN: &str = "00000000-0000-0000-0000-0000000000c1";
const DR: &str = "00000000-0000-0000-0000-0000000000c2";
const CUTOVER: &str = "00000000-0000-0000-0000-0000000000c3";

/// A database with the pack and one small template.
fn weekend(name: &str) -> Result<Database> {
    let db = canon_database(name)?;
    let mut client = db.connect()?;
    client.batch_execute("SELECT canon.install('cutover')")?;
    client.batch_execute(WEEKEND)?;
    Ok(db)
}

fn instantiate(client: &mut Client, template: &str, run: &str) -> Result<(Uuid, i64)> {
    let sql = format!(
        "SELECT (r->>'instance')::uuid, (SELECT sum(value::int8)::int8 FROM jsonb_each_text(r->'created'))
         FROM canon.plan_instantiate('{template}', '{run}') r"
    );
    let row = client.query_one(&sql, &[])?;
    Ok((row.get(0), row.get(1)))
}

fn count(client: &mut Client, sql: &str) -> Result<i64> {
    Ok(client.query_one(sql, &[])?.get(0))
}
