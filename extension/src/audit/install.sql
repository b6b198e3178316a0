-- Whoever may call these sees or changes what was recorded about everybody.
REVOKE ALL ON FUNCTION canon.audit_seal(integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION canon.audit_verify(boolean, boolean, bigint, bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION canon.audit_prove(bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION canon.audit_prove_consistency(bigint, bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION canon.audit_status() FROM PUBLIC;
REVOKE ALL ON FUNCTION canon.audit_redact(bigint[], text) FROM PUBLIC;
REVOKE ALL ON FUNCTION canon.audit_retain(timestamptz, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION canon.audit_await_seal(xid8, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION canon.audit_history(regclass, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION canon.audit_row_at(regclass, text, timestamptz) FROM PUBLIC;
REVOKE ALL ON FUNCTION canon.audit_diff(regclass, text, timestamptz, timestamptz) FROM PUBLIC;
REVOKE ALL ON FUNCTION canon.audit_undo(bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION canon.audit_export(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION canon.audit_declare_restore(text) FROM PUBLIC;

COMMENT ON FUNCTION canon.audit_enable(regclass, text, text[], text[], text[], text[], text, boolean, boolean) IS
    'Records every change of a table in the audit ledger; a second call changes the settings';
COMMENT ON FUNCTION canon.audit_disable(regclass) IS 'Ends recording a table; what was recorded stays';
COMMENT ON FUNCTION canon.audit_status() IS 'Recorded tables, their settings, and whether anything keeps changes from being recorded';
COMMENT ON FUNCTION canon.audit_seal(integer) IS
    'Seals what was committed: positions, tree, chains, block, signed checkpoint; returns the number of entries';
COMMENT ON FUNCTION canon.audit_await_seal(integer) IS
    'Waits until everything that was committed before the call is sealed; returns the size of the tree';
COMMENT ON FUNCTION canon.audit_await_seal(xid8, integer) IS
    'Waits until a transaction has ended and is sealed; returns the receipts of its entries';
COMMENT ON FUNCTION canon.audit_verify(boolean, boolean, bigint, bigint) IS
    'Verifies the ledger from the stored data up: entries, tree, chains, blocks, signatures, exported checkpoints, completeness';
COMMENT ON FUNCTION canon.audit_prove(bigint) IS 'Receipt of an entry: the entry and the proof that it is in the ledger, as JSON';
COMMENT ON FUNCTION canon.audit_prove_consistency(bigint, bigint) IS
    'Proof that the tree of the second size begins with the tree of the first';
COMMENT ON FUNCTION canon.audit_redact(bigint[], text) IS
    'Erases the content of entries, which stay verifiable; returns the number of the entry that says so';
COMMENT ON FUNCTION canon.audit_retain(timestamptz, text) IS
    'Removes entries of the time before, by whole partitions where possible; roots stay, what is left verifies; returns their number';
COMMENT ON FUNCTION canon.audit_history(regclass, text) IS 'Who changed a row, when, and what';
COMMENT ON FUNCTION canon.audit_row_at(regclass, text, timestamptz) IS 'A row as it was at a time, as its entries tell';
COMMENT ON FUNCTION canon.audit_diff(regclass, text, timestamptz, timestamptz) IS
    'Columns of a row that differ between two times';
COMMENT ON FUNCTION canon.audit_undo(bigint) IS 'The statement that undoes what an entry records';
COMMENT ON FUNCTION canon.audit_declare_restore(text) IS
    'Begins a new incarnation after a restore that was meant so; returns its number';
COMMENT ON FUNCTION canon.audit_export(text) IS 'The ledger as lines: jsonl for canon verify, csv to read';
COMMENT ON FUNCTION canon.audit_image(bytea) IS 'Image of a row as jsonb; NULL columns are not in it';
COMMENT ON FUNCTION canon.audit_identity() IS 'For the extension only: which database this is; changes with a restore from a dump';
COMMENT ON FUNCTION canon.audit_capture() IS 'Trigger function that records changes; canon.audit_enable() makes the triggers';
COMMENT ON FUNCTION canon.audit_seal_table(regclass, text, text, text, text, text[]) IS
    'Makes an append-only log table with hash columns tamper-evident: its rows are recorded, linked and sealed';
COMMENT ON FUNCTION canon.audit_log_guard() IS 'Trigger function that keeps the rows of a sealed log table from being changed';
COMMENT ON FUNCTION canon.audit_guard() IS 'Trigger function that keeps the tables of the ledger from being changed by hand';
COMMENT ON FUNCTION canon.audit_ddl() IS 'Event trigger function that records changes of the definition of recorded tables';

CREATE EVENT TRIGGER canon_audit_ddl ON ddl_command_end EXECUTE FUNCTION canon.audit_ddl();
CREATE EVENT TRIGGER canon_audit_drop ON sql_drop EXECUTE FUNCTION canon.audit_ddl();
