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
COMMENT ON FUNCTION canon.status_history(regclass, text, text) IS
    'Recorded changes of status of a table or of one row, each with the time spent in the state before';
COMMENT ON FUNCTION canon.status_durations(regclass, text) IS
    'For each state: how often rows came into it, how many are still there, and how long they stayed';
COMMENT ON FUNCTION canon.status_graph(text, text, integer) IS 'A status machine as a mermaid or dot diagram';
COMMENT ON FUNCTION canon.status_states(text, integer) IS 'States of a status machine';
COMMENT ON FUNCTION canon.status_transitions(text, integer) IS
    'Changes that a status machine allows, with their conditions and what they set';
COMMENT ON FUNCTION canon.status_machines() IS 'Status machines with their versions';
