-- Default rows. Rows with fixed numbers are followed by a setval, so that new rows continue after them.

-- D0.9: the partial indexes on active migrations and iterations rely on the numbers 1, 2 and 9, 10.
INSERT INTO cutover.status_sts (sts_id, sts_name, sts_color, sts_type) VALUES
    (1, 'PLANNING', '#FFA500', 'Migration'),
    (2, 'IN_PROGRESS', '#0066CC', 'Migration'),
    (3, 'COMPLETED', '#00AA00', 'Migration'),
    (4, 'CANCELLED', '#CC0000', 'Migration'),
    (5, 'PLANNING', '#FFA500', 'Plan'),
    (6, 'IN_PROGRESS', '#0066CC', 'Plan'),
    (7, 'COMPLETED', '#00AA00', 'Plan'),
    (8, 'CANCELLED', '#CC0000', 'Plan'),
    (9, 'PLANNING', '#FFA500', 'Iteration'),
    (10, 'IN_PROGRESS', '#0066CC', 'Iteration'),
    (11, 'COMPLETED', '#00AA00', 'Iteration'),
    (12, 'CANCELLED', '#CC0000', 'Iteration'),
    (13, 'PLANNING', '#FFA500', 'Sequence'),
    (14, 'IN_PROGRESS', '#0066CC', 'Sequence'),
    (15, 'COMPLETED', '#00AA00', 'Sequence'),
    (16, 'CANCELLED', '#CC0000', 'Sequence'),
    (17, 'PLANNING', '#FFA500', 'Phase'),
    (18, 'IN_PROGRESS', '#0066CC', 'Phase'),
    (19, 'COMPLETED', '#00AA00', 'Phase'),
    (20, 'CANCELLED', '#CC0000', 'Phase'),
    (21, 'PENDING', '#DDDDDD', 'Step'),
    (22, 'TODO', '#FFFF00', 'Step'),
    (23, 'IN_PROGRESS', '#0066CC', 'Step'),
    (24, 'COMPLETED', '#00AA00', 'Step'),
    (25, 'FAILED', '#FF0000', 'Step'),
    (26, 'BLOCKED', '#FF6600', 'Step'),
    (27, 'CANCELLED', '#CC0000', 'Step'),
    (28, 'TODO', '#FFFF00', 'Control'),
    (29, 'PASSED', '#00AA00', 'Control'),
    (30, 'FAILED', '#FF0000', 'Control'),
    (31, 'CANCELLED', '#CC0000', 'Control');

SELECT pg_catalog.setval('cutover.status_sts_sts_id_seq'::regclass, 31, true);

INSERT INTO cutover.iteration_types_itt (itt_code, itt_name, itt_description) VALUES
    ('RUN', 'Run', 'Early run-through that tries out the runbook and its timing.'),
    ('DR', 'Dress Rehearsal', 'Full trial under conditions close to the real event.'),
    ('CUTOVER', 'Cutover', 'The real event, carried out on production.');

INSERT INTO cutover.environment_roles_enr (enr_id, enr_name, enr_description) VALUES
    (1, 'PROD', 'Production; bound to the production environment and only in a CUTOVER iteration.'),
    (2, 'TEST', 'Environment on which work is rehearsed.'),
    (3, 'BACKUP', 'Fallback environment that work can return to.');

SELECT pg_catalog.setval('cutover.environment_roles_enr_enr_id_seq'::regclass, 3, true);

INSERT INTO cutover.roles_rls (rls_id, rls_code, rls_description) VALUES
    (1, 'ADMIN', 'Maintains the system and may repair what others may not touch.'),
    (2, 'NORMAL', 'Reads runbooks and takes part in the work.'),
    (3, 'PILOT', 'Conducts an execution and changes the status of steps.');

SELECT pg_catalog.setval('cutover.roles_rls_rls_id_seq'::regclass, 3, true);

INSERT INTO cutover.step_types_stt (stt_code, stt_name, stt_description) VALUES
    ('TRT', 'Treatment', 'Processing that moves or converts data.'),
    ('PRE', 'Preparation', 'Work done ahead so that later steps can start.'),
    ('IGO', 'IT go', 'Approval to continue from the technical side.'),
    ('CHK', 'Check', 'Verification that an earlier result is right.'),
    ('BUS', 'Business', 'Work done by the business side.'),
    ('SYS', 'System', 'Work on servers, networks or platforms.'),
    ('GON', 'Go / no-go', 'Joint decision whether to continue or to turn back.'),
    ('BGO', 'Business go', 'Approval to continue from the business side.'),
    ('DUM', 'Dump', 'Export or safety copy of data.'),
    ('AUT', 'Automated', 'Work that runs without a person.'),
    ('MAN', 'Manual', 'Work that a person does by hand.'),
    ('VAL', 'Validation', 'Formal acceptance of a result.'),
    ('DEC', 'Decision', 'Choice between ways to proceed.');
