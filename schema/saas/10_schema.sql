-- A platform that many organisations share in one database.
--
-- D4.4, D4.5: row-level security is not switched on here and no policy exists yet; until both come, whoever may
-- read a table reads the rows of every organisation.

CREATE SCHEMA saas;
COMMENT ON SCHEMA saas IS
    'Multi-tenant platform: tenants, quotas, workflows, audit, security, incidents, credits and CRM.';
