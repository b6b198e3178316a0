-- The hierarchy of runbooks, for the plan engine of the extension.
SELECT canon.plan_register('cutover', $mapping$
{
  "store": "cutover_plan",
  "run": {
    "table": "cutover.iterations_ite", "key": "ite_id", "instance": "ite_id",
    "template": "plm_id", "kind": "itt_code", "start": "ite_start_date",
    "import": {"schema": "cutover", "problems": "import_problems", "apply": "import_steps"}
  },
  "levels": [
    {
      "level": "plan", "kind": "plan",
      "template": "cutover.plans_master_plm", "template_key": "plm_id",
      "instance": "cutover.plans_instance_pli", "instance_key": "pli_id", "instance_template": "plm_id",
      "label": "pli_name", "started_at": "pli_start_time", "finished_at": "pli_end_time",
      "copies": {"pli_name": "plm_name", "pli_description": "plm_description"},
      "defaults": {"created_by": "$user", "updated_by": "$user"},
      "status": {
        "column": "pli_status", "initial": "PLANNING", "open": ["PLANNING"], "running": ["IN_PROGRESS"],
        "done": ["COMPLETED"], "cancelled": ["CANCELLED"],
        "lookup": {"table": "cutover.status_sts", "key": "sts_id", "name": "sts_name", "class": ["sts_type", "Plan"]},
        "retired": {"column": "plm_status", "values": ["COMPLETED", "CANCELLED"]}
      }
    },
    {
      "level": "sequence", "kind": "group", "parent": "plan",
      "template": "cutover.sequences_master_sqm", "template_key": "sqm_id", "template_parent": "plm_id",
      "template_order": "sqm_order", "ordered": true, "template_predecessor": "predecessor_sqm_id",
      "instance": "cutover.sequences_instance_sqi", "instance_key": "sqi_id", "instance_parent": "pli_id",
      "instance_template": "sqm_id", "instance_predecessor": "predecessor_sqi_id",
      "label": "sqi_name", "started_at": "sqi_start_time", "finished_at": "sqi_end_time",
      "copies": {"sqi_name": "sqm_name", "sqi_description": "sqm_description", "sqi_order": "sqm_order"},
      "defaults": {"created_by": "$user", "updated_by": "$user"},
      "status": {
        "column": "sqi_status", "initial": "PLANNING", "open": ["PLANNING"], "running": ["IN_PROGRESS"],
        "done": ["COMPLETED"], "cancelled": ["CANCELLED"],
        "lookup": {"table": "cutover.status_sts", "key": "sts_id", "name": "sts_name", "class": ["sts_type", "Sequence"]}
      }
    },
    {
      "level": "phase", "kind": "group", "parent": "sequence",
      "template": "cutover.phases_master_phm", "template_key": "phm_id", "template_parent": "sqm_id",
      "template_order": "phm_order", "template_predecessor": "predecessor_phm_id",
      "instance": "cutover.phases_instance_phi", "instance_key": "phi_id", "instance_parent": "sqi_id",
      "instance_template": "phm_id", "instance_predecessor": "predecessor_phi_id",
      "label": "phi_name", "started_at": "phi_start_time", "finished_at": "phi_end_time",
      "copies": {"phi_name": "phm_name", "phi_description": "phm_description", "phi_order": "phm_order"},
      "defaults": {"created_by": "$user", "updated_by": "$user"},
      "status": {
        "column": "phi_status", "initial": "PLANNING", "open": ["PLANNING"], "running": ["IN_PROGRESS"],
        "done": ["COMPLETED"], "cancelled": ["CANCELLED"],
        "lookup": {"table": "cutover.status_sts", "key": "sts_id", "name": "sts_name", "class": ["sts_type", "Phase"]}
      }
    },
    {
      "level": "control", "kind": "gate", "parent": "phase",
      "template": "cutover.controls_master_ctm", "template_key": "ctm_id", "template_parent": "phm_id",
      "template_order": "ctm_order", "code": "ctm_code",
      "instance": "cutover.controls_instance_cti", "instance_key": "cti_id", "instance_parent": "phi_id",
      "instance_template": "ctm_id", "label": "cti_name", "finished_at": "cti_validated_at",
      "copies": {
        "cti_name": "ctm_name", "cti_description": "ctm_description", "cti_order": "ctm_order",
        "cti_type": "ctm_type", "cti_is_critical": "ctm_is_critical", "cti_code": "ctm_code"
      },
      "defaults": {"created_by": "$user", "updated_by": "$user"},
      "status": {
        "column": "cti_status", "initial": "TODO", "open": ["TODO"], "done": ["PASSED"],
        "cancelled": ["CANCELLED"], "held": ["FAILED"],
        "lookup": {"table": "cutover.status_sts", "key": "sts_id", "name": "sts_name", "class": ["sts_type", "Control"]}
      }
    },
    {
      "level": "step", "kind": "task", "parent": "phase",
      "template": "cutover.steps_master_stm", "template_key": "stm_id", "template_parent": "phm_id",
      "template_order": "stm_number", "template_predecessor": "stm_id_predecessor", "code": "stm_code",
      "team": "tms_id_owner",
      "instance": "cutover.steps_instance_sti", "instance_key": "sti_id", "instance_parent": "phi_id",
      "instance_template": "stm_id", "instance_predecessor": "sti_id_predecessor",
      "label": "sti_name", "duration_minutes": "sti_duration_minutes",
      "started_at": "sti_start_time", "finished_at": "sti_end_time",
      "copies": {
        "sti_name": "stm_name", "sti_description": "stm_description", "sti_duration_minutes": "stm_duration_minutes",
        "enr_id": "enr_id"
      },
      "defaults": {"created_by": "$user", "updated_by": "$user"},
      "status": {
        "column": "sti_status", "initial": "PENDING", "open": ["PENDING", "TODO"], "running": ["IN_PROGRESS"],
        "done": ["COMPLETED"], "cancelled": ["CANCELLED"], "held": ["BLOCKED", "FAILED"],
        "lookup": {"table": "cutover.status_sts", "key": "sts_id", "name": "sts_name", "class": ["sts_type", "Step"]}
      },
      "filter": {"table": "cutover.steps_master_stm_x_iteration_types_itt", "key": "stm_id", "kind": "itt_code"}
    },
    {
      "level": "instruction", "kind": "item", "parent": "step",
      "template": "cutover.instructions_master_inm", "template_key": "inm_id", "template_parent": "stm_id",
      "template_order": "inm_order",
      "instance": "cutover.instructions_instance_ini", "instance_key": "ini_id", "instance_parent": "sti_id",
      "instance_template": "inm_id", "label": "ini_body", "duration_minutes": "ini_duration_minutes",
      "finished_at": "ini_completed_at", "completed": "ini_is_completed",
      "copies": {
        "ini_body": "inm_body", "ini_duration_minutes": "inm_duration_minutes", "ini_order": "inm_order",
        "tms_id": "tms_id"
      },
      "defaults": {"ini_is_completed": false, "created_by": "$user", "updated_by": "$user"},
      "refs": [{"column": "cti_id", "template": "ctm_id", "level": "control"}]
    }
  ]
}
$mapping$::jsonb);

-- No circle can be committed; deferred, so that a template can be rearranged in one transaction.

CREATE CONSTRAINT TRIGGER plan_no_cycle AFTER INSERT OR UPDATE OF plm_id, predecessor_sqm_id, sqm_order
    ON cutover.sequences_master_sqm
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.predecessor_sqm_id IS NOT NULL OR NEW.sqm_order IS NOT NULL)
    EXECUTE FUNCTION canon.plan_no_cycle('cutover', 'sequence');

CREATE CONSTRAINT TRIGGER plan_no_cycle AFTER INSERT OR UPDATE OF sqm_id, predecessor_phm_id
    ON cutover.phases_master_phm
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.predecessor_phm_id IS NOT NULL)
    EXECUTE FUNCTION canon.plan_no_cycle('cutover', 'phase');

CREATE CONSTRAINT TRIGGER plan_no_cycle AFTER INSERT OR UPDATE OF phm_id, stm_id_predecessor
    ON cutover.steps_master_stm
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.stm_id_predecessor IS NOT NULL)
    EXECUTE FUNCTION canon.plan_no_cycle('cutover', 'step');

CREATE CONSTRAINT TRIGGER plan_no_cycle AFTER INSERT OR UPDATE ON cutover_plan.plan_dependency
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION canon.plan_no_cycle();

-- BR103: once a plan is in progress, its make-up stays as it is; status and times move on.

CREATE TRIGGER plan_frozen_update AFTER UPDATE ON cutover.plans_instance_pli
    REFERENCING OLD TABLE AS plan_before NEW TABLE AS plan_after FOR EACH STATEMENT
    EXECUTE FUNCTION canon.plan_frozen('cutover', 'plan');

CREATE TRIGGER plan_frozen_update AFTER UPDATE ON cutover.sequences_instance_sqi
    REFERENCING OLD TABLE AS plan_before NEW TABLE AS plan_after FOR EACH STATEMENT
    EXECUTE FUNCTION canon.plan_frozen('cutover', 'sequence');

CREATE TRIGGER plan_frozen_insert AFTER INSERT ON cutover.sequences_instance_sqi
    REFERENCING NEW TABLE AS plan_after FOR EACH STATEMENT
    EXECUTE FUNCTION canon.plan_frozen('cutover', 'sequence');

CREATE TRIGGER plan_frozen_delete AFTER DELETE ON cutover.sequences_instance_sqi
    REFERENCING OLD TABLE AS plan_before FOR EACH STATEMENT
    EXECUTE FUNCTION canon.plan_frozen('cutover', 'sequence');

CREATE TRIGGER plan_frozen_update AFTER UPDATE ON cutover.phases_instance_phi
    REFERENCING OLD TABLE AS plan_before NEW TABLE AS plan_after FOR EACH STATEMENT
    EXECUTE FUNCTION canon.plan_frozen('cutover', 'phase');

CREATE TRIGGER plan_frozen_insert AFTER INSERT ON cutover.phases_instance_phi
    REFERENCING NEW TABLE AS plan_after FOR EACH STATEMENT
    EXECUTE FUNCTION canon.plan_frozen('cutover', 'phase');

CREATE TRIGGER plan_frozen_delete AFTER DELETE ON cutover.phases_instance_phi
    REFERENCING OLD TABLE AS plan_before FOR EACH STATEMENT
    EXECUTE FUNCTION canon.plan_frozen('cutover', 'phase');

CREATE TRIGGER plan_frozen_update AFTER UPDATE ON cutover.controls_instance_cti
    REFERENCING OLD TABLE AS plan_before NEW TABLE AS plan_after FOR EACH STATEMENT
    EXECUTE FUNCTION canon.plan_frozen('cutover', 'control');

CREATE TRIGGER plan_frozen_insert AFTER INSERT ON cutover.controls_instance_cti
    REFERENCING NEW TABLE AS plan_after FOR EACH STATEMENT
    EXECUTE FUNCTION canon.plan_frozen('cutover', 'control');

CREATE TRIGGER plan_frozen_delete AFTER DELETE ON cutover.controls_instance_cti
    REFERENCING OLD TABLE AS plan_before FOR EACH STATEMENT
    EXECUTE FUNCTION canon.plan_frozen('cutover', 'control');

CREATE TRIGGER plan_frozen_update AFTER UPDATE ON cutover.steps_instance_sti
    REFERENCING OLD TABLE AS plan_before NEW TABLE AS plan_after FOR EACH STATEMENT
    EXECUTE FUNCTION canon.plan_frozen('cutover', 'step');

CREATE TRIGGER plan_frozen_insert AFTER INSERT ON cutover.steps_instance_sti
    REFERENCING NEW TABLE AS plan_after FOR EACH STATEMENT
    EXECUTE FUNCTION canon.plan_frozen('cutover', 'step');

CREATE TRIGGER plan_frozen_delete AFTER DELETE ON cutover.steps_instance_sti
    REFERENCING OLD TABLE AS plan_before FOR EACH STATEMENT
    EXECUTE FUNCTION canon.plan_frozen('cutover', 'step');

CREATE TRIGGER plan_frozen_update AFTER UPDATE ON cutover.instructions_instance_ini
    REFERENCING OLD TABLE AS plan_before NEW TABLE AS plan_after FOR EACH STATEMENT
    EXECUTE FUNCTION canon.plan_frozen('cutover', 'instruction');

CREATE TRIGGER plan_frozen_insert AFTER INSERT ON cutover.instructions_instance_ini
    REFERENCING NEW TABLE AS plan_after FOR EACH STATEMENT
    EXECUTE FUNCTION canon.plan_frozen('cutover', 'instruction');

CREATE TRIGGER plan_frozen_delete AFTER DELETE ON cutover.instructions_instance_ini
    REFERENCING OLD TABLE AS plan_before FOR EACH STATEMENT
    EXECUTE FUNCTION canon.plan_frozen('cutover', 'instruction');

-- Phases, sequences and the plan follow their steps and controls.

CREATE TRIGGER plan_follow AFTER UPDATE ON cutover.controls_instance_cti
    REFERENCING OLD TABLE AS plan_before NEW TABLE AS plan_after FOR EACH STATEMENT
    EXECUTE FUNCTION canon.plan_follow('cutover', 'control');

CREATE TRIGGER plan_follow AFTER UPDATE ON cutover.steps_instance_sti
    REFERENCING OLD TABLE AS plan_before NEW TABLE AS plan_after FOR EACH STATEMENT
    EXECUTE FUNCTION canon.plan_follow('cutover', 'step');
