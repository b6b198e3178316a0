-- Bookkeeping tables of the Liquibase tool.
-- D0.16: kept as plain data so that an existing history can be carried over; nothing in this pack reads them.
-- canon-ignore-file L11: the columns are those of the source (D0.8)

-- D0.16: as in the tool itself there is no primary key.
-- canon-ignore L7: Liquibase makes its table without one, and nothing here reads it (D0.16)
CREATE TABLE cutover.databasechangelog (
    id varchar(255) NOT NULL,
    author varchar(255) NOT NULL,
    filename varchar(255) NOT NULL,
    dateexecuted timestamp NOT NULL,
    orderexecuted integer NOT NULL,
    exectype varchar(10) NOT NULL,
    md5sum varchar(35),
    description varchar(255),
    comments varchar(255),
    tag varchar(255),
    liquibase varchar(20),
    contexts varchar(255),
    labels varchar(255),
    deployment_id varchar(10)
);

COMMENT ON TABLE cutover.databasechangelog IS
    'Changes that Liquibase has applied, one row per change set.';
COMMENT ON COLUMN cutover.databasechangelog.id IS
    'Identifier that the author gave the change set; unique only together with author and file.';
COMMENT ON COLUMN cutover.databasechangelog.author IS
    'Person named in the change set.';
COMMENT ON COLUMN cutover.databasechangelog.filename IS
    'Path of the change file.';
COMMENT ON COLUMN cutover.databasechangelog.dateexecuted IS
    'Local time of the run, without a time zone.';
COMMENT ON COLUMN cutover.databasechangelog.orderexecuted IS
    'Running number that gives the order of the runs.';
COMMENT ON COLUMN cutover.databasechangelog.exectype IS
    'Outcome word of the tool, for example EXECUTED.';
COMMENT ON COLUMN cutover.databasechangelog.md5sum IS
    'Checksum by which later edits of the change set are noticed.';
COMMENT ON COLUMN cutover.databasechangelog.description IS
    'Summary that the tool generates.';
COMMENT ON COLUMN cutover.databasechangelog.comments IS
    'Remark from the change set.';
COMMENT ON COLUMN cutover.databasechangelog.tag IS
    'Mark that a rollback can return to.';
COMMENT ON COLUMN cutover.databasechangelog.liquibase IS
    'Version of the tool.';
COMMENT ON COLUMN cutover.databasechangelog.contexts IS
    'Context expression that had to hold for the change set to run.';
COMMENT ON COLUMN cutover.databasechangelog.labels IS
    'Label expression of the change set.';
COMMENT ON COLUMN cutover.databasechangelog.deployment_id IS
    'Key shared by all change sets of one run.';

CREATE TABLE cutover.databasechangeloglock (
    id integer NOT NULL,
    locked boolean NOT NULL,
    lockgranted timestamp,
    lockedby varchar(255),
    CONSTRAINT pk_databasechangeloglock PRIMARY KEY (id)
);

COMMENT ON TABLE cutover.databasechangeloglock IS
    'Lock that keeps two Liquibase runs apart.';
COMMENT ON COLUMN cutover.databasechangeloglock.id IS
    'Number of the lock, normally 1.';
COMMENT ON COLUMN cutover.databasechangeloglock.locked IS
    'True while a run holds the lock.';
COMMENT ON COLUMN cutover.databasechangeloglock.lockgranted IS
    'Local time at which the lock was taken, without a time zone.';
COMMENT ON COLUMN cutover.databasechangeloglock.lockedby IS
    'Host that holds the lock.';
