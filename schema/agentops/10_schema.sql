-- Development, test and deployment platform: 14 tables in 5 groups.
-- D1.9, D1.10: the time-partitioned and the sharded variants are described in DEVIATIONS.md only.

CREATE SCHEMA agentops;

COMMENT ON SCHEMA agentops IS
    'Development, test and deployment platform: organisations, projects, tests, delivery and security records.';
