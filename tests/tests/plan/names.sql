-- A hierarchy of one level of tasks, with names that mean something elsewhere.
CREATE SCHEMA "sch""ema; DROP";
SET search_path="sch""ema; DROP";
CREATE TABLE "t'pl" ("k""ey" text PRIMARY KEY, "na me" text);
CREATE TABLE "tt" ("k""ey" text PRIMARY KEY, up text, "aft'er" text, "na me" text, mins int, "aVeryLongColumnNameThatIsExactlySixtyThreeBytesLong_0123456789a" text);
CREATE TABLE run ("r-id" text PRIMARY KEY);
CREATE TABLE "i""p" (id uuid PRIMARY KEY, "r-id" text, src text, "na me" text, st text);
CREATE TABLE "i'ts" (id uuid PRIMARY KEY, up uuid REFERENCES "i""p", src text, "na me" text, mins int, before uuid REFERENCES "i'ts" DEFERRABLE INITIALLY DEFERRED, st text, s timestamptz, f timestamptz, "aVeryLongColumnNameThatIsExactlySixtyThreeBytesLong_0123456789a" text);
INSERT INTO "t'pl" VALUES ('it''s "a" $key$ \', 'Pl"an');
INSERT INTO tt SELECT 'k'''||n||'"', 'it''s "a" $key$ \', CASE WHEN n>1 THEN 'k'''||n-1||'"' END, 'T'||n, n, 'L' FROM generate_series(1,3) n;
INSERT INTO run VALUES ('r''1"');
SELECT canon.plan_store('st"o''re');
SELECT canon.plan_register('pl''an"x', $j${
 "store": "st\"o're", "run": {"table": "\"sch\"\"ema; DROP\".run", "key": "r-id", "instance": "r-id"},
 "levels": [
 {"level": "ro'ot\"", "kind": "plan", "template": "\"sch\"\"ema; DROP\".\"t'pl\"", "template_key": "k\"ey", "instance": "\"sch\"\"ema; DROP\".\"i\"\"p\"", "instance_key": "id", "instance_template": "src", "label": "na me", "copies": {"na me": "na me"},
  "status": {"column": "st", "initial": "o'pen", "open": ["o'pen"], "running": ["r\"un"], "done": ["d'one\\"], "cancelled": ["x"]}},
 {"level": "t'ask", "kind": "task", "parent": "ro'ot\"", "template": "\"sch\"\"ema; DROP\".tt", "template_key": "k\"ey", "template_parent": "up", "template_predecessor": "aft'er", "instance": "\"sch\"\"ema; DROP\".\"i'ts\"", "instance_key": "id", "instance_parent": "up", "instance_template": "src", "instance_predecessor": "before", "label": "na me", "duration_minutes": "mins", "started_at": "s", "finished_at": "f",
  "copies": {"na me": "na me", "mins": "mins", "aVeryLongColumnNameThatIsExactlySixtyThreeBytesLong_0123456789a": "aVeryLongColumnNameThatIsExactlySixtyThreeBytesLong_0123456789a"},
  "status": {"column": "st", "initial": "o'pen", "open": ["o'pen"], "running": ["r\"un"], "done": ["d'one\\"], "cancelled": ["x"]}}
 ]}$j$);
