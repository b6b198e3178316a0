CREATE SCHEMA cutover;

COMMENT ON SCHEMA cutover IS
    'Runbooks for IT cutovers: templates, executable copies, and the people and systems they involve.';
