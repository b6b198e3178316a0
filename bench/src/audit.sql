-- Tables of the same rows, and what others put on them. The peers are written here in the form in which they
-- are found in the wild; names and code are ours.
CREATE TABLE orders_none (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer int NOT NULL,
    amount numeric(12, 2) NOT NULL, status text NOT NULL, note text, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE orders_plain (LIKE orders_none INCLUDING ALL);
CREATE TABLE orders_supa (LIKE orders_none INCLUDING ALL);
CREATE TABLE orders_chain (LIKE orders_none INCLUDING ALL);
CREATE TABLE orders_ours (LIKE orders_none INCLUDING ALL);

-- The plain one: the row as jsonb into one table.
CREATE TABLE plain_log (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL,
    actor text NOT NULL, relation text NOT NULL, operation text NOT NULL, old_row jsonb, new_row jsonb);
CREATE FUNCTION plain_audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO plain_log (at, actor, relation, operation, new_row)
        VALUES (clock_timestamp(), session_user, TG_TABLE_NAME, TG_OP, to_jsonb(NEW));
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO plain_log (at, actor, relation, operation, old_row, new_row)
        VALUES (clock_timestamp(), session_user, TG_TABLE_NAME, TG_OP, to_jsonb(OLD), to_jsonb(NEW));
    ELSE
        INSERT INTO plain_log (at, actor, relation, operation, old_row)
        VALUES (clock_timestamp(), session_user, TG_TABLE_NAME, TG_OP, to_jsonb(OLD));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON orders_plain FOR EACH ROW EXECUTE FUNCTION plain_audit();

-- In the style of supa_audit: looks the key up, makes an identifier of the row, and keeps five indexes.
CREATE TABLE record_version (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, record_id uuid, old_record_id uuid,
    operation text NOT NULL, at timestamptz NOT NULL DEFAULT now(), table_oid oid NOT NULL, table_schema name NOT NULL,
    table_name name NOT NULL, record jsonb, old_record jsonb);
CREATE INDEX ON record_version (record_id) WHERE record_id IS NOT NULL;
CREATE INDEX ON record_version (old_record_id) WHERE old_record_id IS NOT NULL;
CREATE INDEX ON record_version USING brin (at);
CREATE INDEX ON record_version (table_oid);
CREATE FUNCTION record_of(relation oid, record jsonb) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN record IS NULL THEN NULL ELSE
        md5(relation::text || COALESCE((SELECT jsonb_agg(record -> a.attname::text ORDER BY a.attnum)::text
            FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
            WHERE i.indrelid = relation AND i.indisprimary), gen_random_uuid()::text))::uuid END
$$;
CREATE FUNCTION record_audit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE new_row jsonb = to_jsonb(NEW); old_row jsonb = to_jsonb(OLD);
BEGIN
    INSERT INTO record_version (record_id, old_record_id, operation, table_oid, table_schema, table_name, record, old_record)
    SELECT record_of(TG_RELID, new_row), record_of(TG_RELID, old_row), TG_OP, TG_RELID, TG_TABLE_SCHEMA, TG_TABLE_NAME,
        new_row, old_row;
    RETURN NULL;
END $$;
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON orders_supa FOR EACH ROW EXECUTE FUNCTION record_audit();

-- One hash chain, made safe by a lock that is held until commit.
CREATE TABLE chain_log (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL, actor text NOT NULL,
    relation text NOT NULL, operation text NOT NULL, new_row jsonb, previous_hash bytea NOT NULL, hash bytea NOT NULL);
CREATE FUNCTION chain_audit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE previous bytea; image jsonb = to_jsonb(COALESCE(NEW, OLD));
BEGIN
    PERFORM pg_advisory_xact_lock(4711);
    SELECT hash INTO previous FROM chain_log ORDER BY seq DESC LIMIT 1;
    previous = COALESCE(previous, '\x00');
    INSERT INTO chain_log (at, actor, relation, operation, new_row, previous_hash, hash)
    VALUES (clock_timestamp(), session_user, TG_TABLE_NAME, TG_OP, image, previous,
        sha256(previous || convert_to(TG_OP || image::text, 'UTF8')));
    RETURN NULL;
END $$;
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON orders_chain FOR EACH ROW EXECUTE FUNCTION chain_audit();

CREATE EXTENSION pg_canon;
SELECT canon.audit_enable('orders_ours');
