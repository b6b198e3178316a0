-- The tables of the ledger: ordinary tables, made when the first table is recorded, so that a dump holds
-- them and dropping the extension cannot delete them.

CREATE SEQUENCE canon.audit_entry_id AS bigint;

CREATE TABLE canon.audit_entry (
    id          bigint      NOT NULL,
    recorded_at timestamptz NOT NULL,
    xid         xid8        NOT NULL,
    operation   text        NOT NULL,
    table_id    uuid        NOT NULL,
    relation    text        COLLATE "C",
    row_key     text        COLLATE "C",
    old_row     bytea,
    new_row     bytea,
    actor       text        COLLATE "C",
    context     json,
    salt        bytea,
    commitment  bytea,
    leaf        bytea       NOT NULL,
    CONSTRAINT pk_audit_entry PRIMARY KEY (xid, id, recorded_at)
) PARTITION BY RANGE (recorded_at);
CREATE TABLE canon.audit_entry_other PARTITION OF canon.audit_entry DEFAULT;
CREATE INDEX idx_audit_entry_table_id_row_key ON canon.audit_entry (table_id, row_key);

COMMENT ON TABLE canon.audit_entry IS 'Entries of the audit ledger: what happened, and what was before and after';
COMMENT ON COLUMN canon.audit_entry.id IS 'Number of the entry: unique, not dense, not the order of commits';
COMMENT ON COLUMN canon.audit_entry.recorded_at IS 'Time of recording';
COMMENT ON COLUMN canon.audit_entry.xid IS 'Transaction';
COMMENT ON COLUMN canon.audit_entry.operation IS
    'INSERT, UPDATE, DELETE, TRUNCATE, DDL, ENABLE, DISABLE, REDACT, RETAIN or RESTORE';
COMMENT ON COLUMN canon.audit_entry.table_id IS 'The recorded table, canon.audit_table.id';
COMMENT ON COLUMN canon.audit_entry.relation IS 'Name of the table when it was recorded';
COMMENT ON COLUMN canon.audit_entry.row_key IS 'Key of the row as text, of several columns as a JSON array';
COMMENT ON COLUMN canon.audit_entry.old_row IS 'Image of the row before; canon.audit_image() reads it';
COMMENT ON COLUMN canon.audit_entry.new_row IS 'Image of the row after; canon.audit_image() reads it';
COMMENT ON COLUMN canon.audit_entry.actor IS 'Role that had logged in';
COMMENT ON COLUMN canon.audit_entry.context IS 'Current role, and what the application said about the request';
COMMENT ON COLUMN canon.audit_entry.salt IS 'Salt of the commitment to the content; gone with the content';
COMMENT ON COLUMN canon.audit_entry.commitment IS 'Commitment to content that was erased';
COMMENT ON COLUMN canon.audit_entry.leaf IS 'Leaf of the tree, computed by the recording transaction';

CREATE TABLE canon.audit_table (
    id         uuid        NOT NULL,
    relation   text        NOT NULL,
    settings   jsonb       NOT NULL,
    enabled    boolean     NOT NULL,
    enabled_at timestamptz NOT NULL,
    enabled_by text        NOT NULL,
    CONSTRAINT pk_audit_table PRIMARY KEY (id)
);
COMMENT ON TABLE canon.audit_table IS 'Tables that are or were recorded';

CREATE TABLE canon.audit_position (
    position         bigint      NOT NULL,
    entry_id         bigint      NOT NULL,
    xid              xid8        NOT NULL,
    recorded_at      timestamptz NOT NULL,
    chain            text        COLLATE "C",
    previous_hash    bytea       NOT NULL,
    audit_chain_hash bytea       NOT NULL,
    CONSTRAINT pk_audit_position PRIMARY KEY (position),
    CONSTRAINT uq_audit_position_entry_id UNIQUE (entry_id)
);
COMMENT ON TABLE canon.audit_position IS 'Sealed order of the entries: dense positions from 0, and the links of their chains';

CREATE TABLE canon.audit_tile (
    level  integer NOT NULL,
    number bigint  NOT NULL,
    hashes bytea   NOT NULL,
    CONSTRAINT pk_audit_tile PRIMARY KEY (level, number)
);
ALTER TABLE canon.audit_tile ALTER COLUMN hashes SET STORAGE EXTERNAL;
COMMENT ON TABLE canon.audit_tile IS 'Hashes of the tree, up to 256 of one level in a row';

CREATE TABLE canon.audit_block (
    block         bigint      NOT NULL,
    incarnation   integer     NOT NULL,
    entries       bigint      NOT NULL,
    size          bigint      NOT NULL,
    root          bytea       NOT NULL,
    previous_hash bytea       NOT NULL,
    block_hash    bytea       NOT NULL,
    snapshot_from text        NOT NULL,
    snapshot_to   text        NOT NULL,
    sealed_at     timestamptz NOT NULL,
    lsn           text        NOT NULL,
    checkpoint    text,
    exported_at   timestamptz,
    CONSTRAINT pk_audit_block PRIMARY KEY (block),
    CONSTRAINT uq_audit_block_size UNIQUE (size),
    CONSTRAINT uq_audit_block_previous_hash UNIQUE (previous_hash)
);
CREATE INDEX idx_audit_block_unexported ON canon.audit_block (block) WHERE exported_at IS NULL;
COMMENT ON TABLE canon.audit_block IS 'Sealed batches with the root of the tree and the signed checkpoint';

CREATE TABLE canon.audit_chain (
    chain text   COLLATE "C" NOT NULL,
    head  bytea  NOT NULL,
    CONSTRAINT pk_audit_chain PRIMARY KEY (chain)
);
COMMENT ON TABLE canon.audit_chain IS 'Last link of each chain but the one of the whole ledger';

CREATE TABLE canon.audit_lane (
    lane      integer NOT NULL,
    seq       bigint  NOT NULL,
    head      bytea   NOT NULL,
    base_seq  bigint  NOT NULL DEFAULT 0,
    base_hash bytea   NOT NULL,
    CONSTRAINT pk_audit_lane PRIMARY KEY (lane)
);
COMMENT ON TABLE canon.audit_lane IS 'Chains that are written inside the transaction: where they begin, and their heads';
CREATE TABLE canon.audit_lane_link (
    lane          integer NOT NULL,
    seq           bigint  NOT NULL,
    entry_id      bigint  NOT NULL,
    previous_hash bytea   NOT NULL,
    hash          bytea   NOT NULL,
    CONSTRAINT pk_audit_lane_link PRIMARY KEY (lane, seq),
    CONSTRAINT uq_audit_lane_link_previous_hash UNIQUE (lane, previous_hash)
);
COMMENT ON TABLE canon.audit_lane_link IS 'Links of the chains that are written inside the transaction';

CREATE TABLE canon.audit_ledger (
    only_row    boolean     NOT NULL DEFAULT true,
    origin      text        NOT NULL,
    incarnation integer     NOT NULL,
    identity    text        NOT NULL,
    after_id    bigint      NOT NULL,
    size        bigint      NOT NULL,
    edge        bytea       NOT NULL,
    head        bytea       NOT NULL,
    block       bigint      NOT NULL,
    block_hash  bytea       NOT NULL,
    snapshot    pg_snapshot NOT NULL,
    target      pg_snapshot,
    cursor_xid  xid8        NOT NULL,
    cursor_id   bigint      NOT NULL,
    anchor      json        NOT NULL,
    verified    json,
    CONSTRAINT pk_audit_ledger PRIMARY KEY (only_row),
    CONSTRAINT ck_audit_ledger_only_row CHECK (only_row)
) WITH (fillfactor = 20);
COMMENT ON TABLE canon.audit_ledger IS 'State of the ledger: how far it is sealed, and the right edge of its tree';

INSERT INTO canon.audit_ledger
    (origin, incarnation, identity, after_id, size, edge, head, block, block_hash, snapshot, cursor_xid, cursor_id, anchor)
VALUES ('pg_canon/' || gen_random_uuid(), 1, canon.audit_identity(), 0, 0, '\x', decode(repeat('00', 32), 'hex'), 0,
    decode(repeat('00', 32), 'hex'), '1:1:', '0', 0,
    json_build_object('size', 0, 'edge', '[]'::json, 'chains', '{}'::json, 'block', 0,
        'block_hash', repeat('0', 64)));

CREATE VIEW canon.audit_log AS
SELECT p.position, e.id, e.recorded_at, e.operation, e.relation, e.row_key,
    canon.audit_image(e.old_row) AS old_row, canon.audit_image(e.new_row) AS new_row,
    e.actor, e.context, e.xid, p.chain,
    encode(p.previous_hash, 'hex') AS previous_hash, encode(p.audit_chain_hash, 'hex') AS audit_chain_hash,
    e.commitment IS NOT NULL AS redacted
FROM canon.audit_entry AS e LEFT JOIN canon.audit_position AS p ON p.entry_id = e.id;
COMMENT ON VIEW canon.audit_log IS 'Entries of the audit ledger, readable, with their sealed positions and links';
