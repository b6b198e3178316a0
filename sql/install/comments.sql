COMMENT ON FUNCTION canon.version() IS 'Version of the loaded pg_canon library';
COMMENT ON FUNCTION canon.is_json(text) IS 'Whether the text is valid JSON, exactly as jsonb judges it; NULL for NULL';
COMMENT ON FUNCTION canon.touch_updated_at() IS
    'BEFORE UPDATE row trigger: sets updated_at, or the columns named as its arguments, to the time of the transaction';
COMMENT ON FUNCTION canon.configuration_changed() IS
    'AFTER statement trigger of a table that holds configuration: makes every session read it anew at its next statement';
COMMENT ON FUNCTION canon.packs() IS 'Schema packs this library holds, with the version installed in this database';
COMMENT ON FUNCTION canon.install(text) IS
    'Installs a schema pack, or all of them, as the calling role: wholly or not at all; a second call changes nothing';
COMMENT ON FUNCTION canon.uninstall(text, boolean) IS
    'Removes a schema pack; refuses while its tables hold rows of yours or other objects depend on it, unless forced';
COMMENT ON FUNCTION canon.validate(text) IS
    'Compares an installed pack with what it declares: a line for each kind of object and status column, then each object that is missing, altered or added';
COMMENT ON FUNCTION canon.status_define(text) IS
    'Stores status machines, written in TOML or JSON; a changed definition becomes the next version and governs from the next statement on';
COMMENT ON FUNCTION canon.status_apply(text) IS
    'Stores the status machines of a text and guards the columns that it names; a second call changes nothing';
COMMENT ON FUNCTION canon.status_drop(text) IS
    'Removes a status machine with all its versions; refuses while it guards a column';
COMMENT ON FUNCTION canon.status_guard(regclass, text, text, integer, boolean, text, boolean, text, text) IS
    'Lets a status machine govern a column: text, enum, boolean, or the key of a table of statuses; refuses while rows break it';
COMMENT ON FUNCTION canon.status_unguard(regclass, text) IS
    'Takes the status machine off a column, or off all columns of a table; the history stays';
COMMENT ON FUNCTION canon.status_check(regclass, text, text, jsonb, text) IS
    'Statuses of existing rows that a machine, stored or given as a definition, does not know';
COMMENT ON FUNCTION canon.status_permitted(regclass, text, text) IS
    'For the row of a key: every other state, whether the row may enter it now, by which event, and if not, why';
COMMENT ON FUNCTION canon.status_fire(regclass, text, text, text, text) IS
    'Lets an event happen to the row of a key and returns its new state; of several at once exactly one wins';
COMMENT ON FUNCTION canon.status_migrate(regclass, text, jsonb, text) IS
    'Writes other states into rows by a mapping from old to new, and pins rows to the latest version; returns their number';
COMMENT ON FUNCTION canon.status_refusals_flush() IS
    'Writes the refused changes of status that wait in shared memory to canon.status_refusals; how many';
-- An open transaction of somebody else would keep the worker from writing.
REVOKE EXECUTE ON FUNCTION canon.status_refusals_flush() FROM PUBLIC;
COMMENT ON FUNCTION canon.status_history(regclass, text, text) IS
    'Recorded changes of status of a table or of one row, each with the time spent in the state before';
COMMENT ON FUNCTION canon.status_durations(regclass, text) IS
    'For each state: how often rows came into it, how many are still there, and how long they stayed';
COMMENT ON FUNCTION canon.status_graph(text, text, integer) IS 'A status machine as a mermaid or dot diagram';
COMMENT ON FUNCTION canon.status_states(text, integer) IS 'States of a status machine';
COMMENT ON FUNCTION canon.status_transitions(text, integer) IS
    'Changes that a status machine allows, with their conditions and what they set';
COMMENT ON FUNCTION canon.status_machines() IS 'Status machines with their versions';
COMMENT ON FUNCTION canon.plan_id(uuid, text) IS
    'Key of the copy of a template row in an instance: UUID version 5 of level:key in the name space of the instance';
COMMENT ON FUNCTION canon.plan_register(text, jsonb) IS
    'Registers a hierarchy of template and instance tables, or replaces the one of that name; the number of its levels';
COMMENT ON FUNCTION canon.plan_unregister(text) IS
    'Forgets a hierarchy, whose tables stay; whether there was one';
COMMENT ON FUNCTION canon.plan_store(text) IS
    'Creates a schema with the tables that keep the lineage of instances, for canon.plan_register()';
COMMENT ON FUNCTION canon.plan_instantiate(text, text, jsonb) IS
    'Copies a template for a run in one transaction; the same request again reports on the same instance and creates nothing';
COMMENT ON FUNCTION canon.plan_instantiate(uuid, uuid, jsonb) IS
    'Copies a template for a run in one transaction; the same request again reports on the same instance and creates nothing';
COMMENT ON FUNCTION canon.plan_protect(text) IS
    'Creates the triggers that refuse circles in templates and changes of plans in progress, and let groups follow their tasks; the number of triggers';
COMMENT ON FUNCTION canon.plan_no_cycle() IS
    'Constraint trigger of a template table, arguments plan and level, or of plan_dependency, without: refuses rows that wait for each other';
COMMENT ON FUNCTION canon.plan_frozen() IS
    'Statement trigger of an instance table, arguments plan and level: refuses changes once the plan is in progress';
COMMENT ON FUNCTION canon.plan_follow() IS
    'Statement trigger of a task or gate table, arguments plan and level: groups and the plan follow their tasks';
COMMENT ON FUNCTION canon.plan_check(text) IS
    'Problems of a template: circles with their path, unreachable rows, outside predecessors, missing durations and teams';
COMMENT ON FUNCTION canon.plan_schedule(uuid, jsonb) IS
    'Critical path method over an instance: earliest and latest times, total and free slack of every row';
COMMENT ON FUNCTION canon.plan_critical_path(uuid, jsonb) IS
    'One longest chain of tasks of an instance, in order';
COMMENT ON FUNCTION canon.plan_ready(uuid, text) IS
    'Tasks that nothing holds back, of one team or of all: predecessors are over, and so are earlier groups with their gates';
COMMENT ON FUNCTION canon.plan_at_risk(uuid) IS
    'Open tasks that wait, directly or through others, for one that has failed or is blocked';
COMMENT ON FUNCTION canon.plan_progress(uuid) IS
    'Percent done of every row by number, duration and items of its tasks, and the status that would follow';
COMMENT ON FUNCTION canon.plan_gantt(uuid, text, jsonb) IS
    'The schedule as a self-contained SVG picture, as Mermaid text, or as a JSON list of rows';
COMMENT ON FUNCTION canon.plan_drift(uuid) IS
    'Differences between an instance, its template now, and its template when the instance was made';
COMMENT ON FUNCTION canon.plan_resync(uuid, text, boolean) IS
    'Lets an instance follow its template where neither a person nor progress stands against it; mode preview or apply';
COMMENT ON FUNCTION canon.plan_cancel(uuid, text) IS
    'Cancels a row of an instance with everything below it that is not over; the reason is kept';
COMMENT ON FUNCTION canon.plan_skip(uuid, text, text) IS
    'Skips a task that has not begun; those that wait for it continue, stop, or are skipped too; the reason is kept';
COMMENT ON FUNCTION canon.plan_override_gate(uuid, text) IS
    'Takes a gate out of the way: a failed one counts as passed, an open one as cancelled; reason and role are kept';
COMMENT ON FUNCTION canon.plan_roll_up(uuid, boolean) IS
    'Lets groups and the plan follow the status of their tasks, and stamps their times';
COMMENT ON FUNCTION canon.plan_compare(uuid, uuid) IS
    'Two instances of one template, task by task: planned and actual minutes, bottlenecks (above 1.2 times the plan when finished, 1.5 times while running)';
COMMENT ON FUNCTION canon.plan_promote(uuid, uuid, text, text) IS
    'Writes the values of an instance row into its template row; mode preview or apply';
COMMENT ON FUNCTION canon.plan_clone(text, text) IS
    'Copies a template with everything below it under another name; the key of the copy';
COMMENT ON FUNCTION canon.plan_import(uuid, boolean, text) IS
    'Imports a batch of staged rows into a template: all of it or nothing; partial leaves wrong rows behind';
COMMENT ON FUNCTION canon.plan_import_problems(uuid, text) IS
    'Everything that is wrong with a batch of staged rows, with the reason';
