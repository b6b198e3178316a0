-- Pack core: tenants, their people, and the outcomes, hypotheses and decisions they work on.
-- D3.1: every name in this pack carries its schema; nothing depends on search_path.
-- D3.9: nothing here needs more than PostgreSQL 15.

CREATE SCHEMA core;

COMMENT ON SCHEMA core IS
    'Multi-tenant tracker: outcomes to reach, hypotheses to test, decisions to take, and who answers for them.';
