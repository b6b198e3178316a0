CREATE TABLE canon.rate_limit_state (
    space smallint NOT NULL,
    key   text COLLATE "C" NOT NULL,
    state bytea NOT NULL,
    CONSTRAINT pk_rate_limit_state PRIMARY KEY (space, key)
) WITH (fillfactor = 50);
COMMENT ON TABLE canon.rate_limit_state IS
    'Counters of rate limits in the tier table, and of keys that shared memory had no room for. Not in dumps';
COMMENT ON COLUMN canon.rate_limit_state.space IS 'Whose key it is: 1 of a caller, 3 of a policy';
COMMENT ON COLUMN canon.rate_limit_state.key IS 'The key';
COMMENT ON COLUMN canon.rate_limit_state.state IS 'What is counted, in the encoding of the library; canon.rate_limit_inspect() shows it';

CREATE TABLE canon.rate_limit_lease (
    space      smallint    NOT NULL,
    key        text COLLATE "C" NOT NULL,
    window_end timestamptz NOT NULL,
    granted    bigint      NOT NULL,
    CONSTRAINT pk_rate_limit_lease PRIMARY KEY (space, key),
    CONSTRAINT ck_rate_limit_lease_granted CHECK (granted >= 0)
) WITH (fillfactor = 50);
COMMENT ON TABLE canon.rate_limit_lease IS
    'Units of quotas in the tier leased that were granted to shared memory, or taken by a request itself. Not in dumps';
COMMENT ON COLUMN canon.rate_limit_lease.space IS 'Whose key it is: 2 of a caller, 4 of a policy';
COMMENT ON COLUMN canon.rate_limit_lease.key IS 'The key';
COMMENT ON COLUMN canon.rate_limit_lease.window_end IS 'End of the window they were granted for';
COMMENT ON COLUMN canon.rate_limit_lease.granted IS 'Units granted in that window; as many may have been spent, and no more';

CREATE TYPE canon.rate_decision AS (
    allowed     boolean,
    "limit"     bigint,
    remaining   bigint,
    retry_after interval,
    reset_at    timestamptz,
    reason      text
);
COMMENT ON TYPE canon.rate_decision IS 'What a rate limit has decided';
COMMENT ON COLUMN canon.rate_decision.allowed IS 'Whether the request may go on; its units are spent then';
COMMENT ON COLUMN canon.rate_decision."limit" IS 'Units that can be spent at once: the burst, else the limit';
COMMENT ON COLUMN canon.rate_decision.remaining IS 'Units that could be spent now';
COMMENT ON COLUMN canon.rate_decision.retry_after IS
    'Time after which the same request is allowed, to the microsecond; 0 where it is, NULL where it costs more than the limit';
COMMENT ON COLUMN canon.rate_decision.reset_at IS 'When all units are there again, if nothing more is spent';
COMMENT ON COLUMN canon.rate_decision.reason IS
    'allowed, limit_exceeded, cost_exceeds_limit or memory_full';


CREATE TYPE canon.rate_decision_all AS (
    allowed     boolean,
    level       text,
    "limit"     bigint,
    remaining   bigint,
    retry_after interval,
    reset_at    timestamptz,
    reason      text
);
COMMENT ON TYPE canon.rate_decision_all IS 'What several rate limits have decided together, and which of them decided';
COMMENT ON COLUMN canon.rate_decision_all.level IS
    'Key of the level that decides: the one that denies for longest, or where all allow, the one with least left';

CREATE FUNCTION canon.rate_allow(key text, max_requests bigint, per interval, cost bigint DEFAULT 1)
    RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    AS 'MODULE_PATHNAME', 'canon_rate_allow';
COMMENT ON FUNCTION canon.rate_allow(text, bigint, interval, bigint) IS
    'Whether a request may go on, and spends its cost if so: at most max_requests at once, restored evenly at max_requests in the time given (GCRA). In shared memory, without WAL; counts also if the transaction is rolled back';

CREATE FUNCTION canon.rate_limit(
    key text, max_requests bigint, per interval, cost bigint DEFAULT 1, burst bigint DEFAULT NULL,
    algorithm text DEFAULT 'gcra', tier text DEFAULT 'memory', on_abort text DEFAULT 'keep',
    time_zone text DEFAULT 'UTC', anchor timestamp DEFAULT NULL
)
    RETURNS canon.rate_decision
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    AS 'MODULE_PATHNAME', 'canon_rate_limit';
COMMENT ON FUNCTION canon.rate_limit(text, bigint, interval, bigint, bigint, text, text, text, text, timestamp) IS
    'Decides a request, spends its cost if it is allowed, and says what is left. Call it in FROM: (canon.rate_limit(...)).* would spend once for each column';

CREATE FUNCTION canon.rate_limit_peek(
    key text, max_requests bigint, per interval, cost bigint DEFAULT 1, burst bigint DEFAULT NULL,
    algorithm text DEFAULT 'gcra', tier text DEFAULT 'memory', on_abort text DEFAULT 'keep',
    time_zone text DEFAULT 'UTC', anchor timestamp DEFAULT NULL
)
    RETURNS canon.rate_decision
    LANGUAGE c VOLATILE PARALLEL RESTRICTED CALLED ON NULL INPUT
    AS 'MODULE_PATHNAME', 'canon_rate_limit_peek';
COMMENT ON FUNCTION canon.rate_limit_peek(text, bigint, interval, bigint, bigint, text, text, text, text, timestamp) IS
    'What canon.rate_limit() would decide, without spending anything';

CREATE FUNCTION canon.rate_allow_all(keys text[], max_requests bigint[], per interval[], cost bigint DEFAULT 1)
    RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    AS 'MODULE_PATHNAME', 'canon_rate_allow_all';
COMMENT ON FUNCTION canon.rate_allow_all(text[], bigint[], interval[], bigint) IS
    'As canon.rate_allow() for up to 16 keys with a limit and a time each: spends on all of them, or where one denies, on none';

CREATE FUNCTION canon.rate_limit_all(
    keys text[], max_requests bigint[], per interval[], cost bigint DEFAULT 1,
    algorithm text DEFAULT 'gcra', tier text DEFAULT 'memory', on_abort text DEFAULT 'keep'
)
    RETURNS canon.rate_decision_all
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    AS 'MODULE_PATHNAME', 'canon_rate_limit_all';
COMMENT ON FUNCTION canon.rate_limit_all(text[], bigint[], interval[], bigint, text, text, text) IS
    'As canon.rate_limit() for up to 16 keys with a limit and a time each: spends on all of them, or where one denies, on none, and names the level that decided';

CREATE TABLE canon.rate_limit_policy (
    policy    text      NOT NULL,
    shadow    boolean   NOT NULL DEFAULT false,
    durable   boolean   NOT NULL DEFAULT false,
    time_zone text      NOT NULL DEFAULT 'UTC',
    anchor    timestamp,
    CONSTRAINT pk_rate_limit_policy PRIMARY KEY (policy),
    CONSTRAINT ck_rate_limit_policy_anchor CHECK (anchor >= '1900-01-01' AND anchor < '2200-01-01')
);
COMMENT ON TABLE canon.rate_limit_policy IS 'What the tables of the pack saas cannot say about a policy; one without a row here has the defaults';
COMMENT ON COLUMN canon.rate_limit_policy.policy IS 'quota_policies.policy_name, or rate_limit_config.id';
COMMENT ON COLUMN canon.rate_limit_policy.shadow IS
    'Whether requests that it would deny are let through and recorded in rate_limit_tracking';
COMMENT ON COLUMN canon.rate_limit_policy.durable IS
    'Whether its days and months are counted in the tier leased, which a crash does not forget. A change counts anew';
COMMENT ON COLUMN canon.rate_limit_policy.time_zone IS 'Time zone of its days and months';
COMMENT ON COLUMN canon.rate_limit_policy.anchor IS 'A local time at which one of its days and months begins; NULL: midnight, the first of the month';
CREATE TRIGGER configuration_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON canon.rate_limit_policy
    FOR EACH STATEMENT EXECUTE FUNCTION canon.configuration_changed();
GRANT SELECT ON canon.rate_limit_policy TO PUBLIC;
GRANT INSERT, UPDATE, DELETE ON canon.rate_limit_policy TO @extowner@;
SELECT pg_catalog.pg_extension_config_dump('canon.rate_limit_policy', '');

CREATE TABLE canon.usage_sketch (
    organization_id uuid  NOT NULL,
    user_id         uuid,
    endpoint        text  NOT NULL,
    date            date  NOT NULL,
    state           bytea NOT NULL,
    CONSTRAINT uq_usage_sketch UNIQUE NULLS NOT DISTINCT (organization_id, user_id, endpoint, date)
);
COMMENT ON TABLE canon.usage_sketch IS
    'Histograms of answer times behind the percentiles of saas.api_usage_statistics, which are within 1 percent. Not in dumps';
COMMENT ON COLUMN canon.usage_sketch.organization_id IS 'Organisation';
COMMENT ON COLUMN canon.usage_sketch.user_id IS 'Caller; NULL where unknown';
COMMENT ON COLUMN canon.usage_sketch.endpoint IS 'Endpoint';
COMMENT ON COLUMN canon.usage_sketch.date IS 'Day, in UTC';
COMMENT ON COLUMN canon.usage_sketch.state IS 'The histogram, in the encoding of the library';

CREATE FUNCTION canon.check_quota(
    p_organization_id uuid, p_user_id uuid, p_endpoint text, p_role text DEFAULT 'user', p_cost bigint DEFAULT 1
)
    RETURNS canon.rate_decision_all
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    AS 'MODULE_PATHNAME', 'canon_check_quota';
COMMENT ON FUNCTION canon.check_quota(uuid, uuid, text, text, bigint) IS
    'Decides a request by the most specific quota policy for its endpoint and role, with the limits of its organisation: hour, day and month together. allowed is TRUE when it may go on';
