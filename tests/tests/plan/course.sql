-- A hierarchy unlike a runbook: a course of modules and lessons, held for classes.
CREATE SCHEMA "Class room";
CREATE TABLE "Class room".syllabus (number integer PRIMARY KEY, title text NOT NULL);
CREATE TABLE "Class room"."module plan" (
    number integer PRIMARY KEY, syllabus integer NOT NULL REFERENCES "Class room".syllabus, place integer,
    after integer REFERENCES "Class room"."module plan", title text NOT NULL
);
CREATE TABLE "Class room"."lesson plan" (
    number integer PRIMARY KEY, module integer NOT NULL REFERENCES "Class room"."module plan", place integer,
    after integer REFERENCES "Class room"."lesson plan", title text NOT NULL, minutes integer
);
CREATE TABLE "Class room".class (id bigint PRIMARY KEY);
CREATE TABLE "Class room".course (
    id uuid PRIMARY KEY, class bigint NOT NULL REFERENCES "Class room".class,
    syllabus integer NOT NULL REFERENCES "Class room".syllabus, title text
);
CREATE TABLE "Class room".module (
    id uuid PRIMARY KEY, course uuid NOT NULL REFERENCES "Class room".course,
    plan integer NOT NULL REFERENCES "Class room"."module plan",
    after_id uuid REFERENCES "Class room".module DEFERRABLE INITIALLY DEFERRED, title text
);
CREATE TABLE "Class room".lesson (
    id uuid PRIMARY KEY, module uuid NOT NULL REFERENCES "Class room".module,
    plan integer NOT NULL REFERENCES "Class room"."lesson plan",
    after_id uuid REFERENCES "Class room".lesson DEFERRABLE INITIALLY DEFERRED,
    title text, minutes integer, state text NOT NULL CHECK (state IN ('todo', 'held', 'given', 'dropped'))
);
INSERT INTO "Class room".syllabus VALUES (1, 'Knots'), (2, 'Sails');
INSERT INTO "Class room"."module plan" VALUES (1, 1, 1, NULL, 'A'), (2, 1, 2, 1, 'B');
INSERT INTO "Class room"."lesson plan" VALUES
    (1, 1, 1, NULL, 'A1', 45), (2, 1, 2, 1, 'A2', 45), (3, 2, 1, NULL, 'B1', 90), (4, 2, 2, 3, 'B2', 30);
INSERT INTO "Class room".class VALUES (7);

SELECT canon.plan_store('Course store');
SELECT canon.plan_register('course', '{
  "store": "Course store",
  "run": {"table": "\"Class room\".class", "key": "id", "instance": "class"},
  "levels": [
    {"level": "course", "kind": "plan", "template": "\"Class room\".syllabus", "template_key": "number",
     "instance": "\"Class room\".course", "instance_key": "id", "instance_template": "syllabus", "label": "title",
     "copies": {"title": "title"}},
    {"level": "module", "kind": "group", "parent": "course", "template": "\"Class room\".\"module plan\"",
     "template_key": "number", "template_parent": "syllabus", "template_order": "place", "template_predecessor": "after",
     "instance": "\"Class room\".module", "instance_key": "id", "instance_parent": "course",
     "instance_template": "plan", "instance_predecessor": "after_id", "label": "title", "copies": {"title": "title"}},
    {"level": "lesson", "kind": "task", "parent": "module", "template": "\"Class room\".\"lesson plan\"",
     "template_key": "number", "template_parent": "module", "template_order": "place", "template_predecessor": "after",
     "instance": "\"Class room\".lesson", "instance_key": "id", "instance_parent": "module",
     "instance_template": "plan", "instance_predecessor": "after_id", "label": "title", "duration_minutes": "minutes",
     "copies": {"title": "title", "minutes": "minutes"},
     "status": {"column": "state", "initial": "todo", "open": ["todo"], "running": ["held"], "done": ["given"],
                "cancelled": ["dropped"]}}
  ]
}');
