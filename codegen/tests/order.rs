//! `canon order` as a user runs it.

mod common;

use common::Project;

const CYCLE: &str = "CREATE TABLE org (id int PRIMARY KEY, owner int NOT NULL);
CREATE TABLE usr (id int PRIMARY KEY, org int NOT NULL REFERENCES org, boss int REFERENCES usr);
CREATE TABLE log (id int PRIMARY KEY, usr int NOT NULL REFERENCES usr);
ALTER TABLE org ADD CONSTRAINT \"Owner\" FOREIGN KEY (owner) REFERENCES usr DEFERRABLE;";

#[test]
fn both_orders_name_what_they_break() {
    let project = Project::new();
    project.write("c.sql", CYCLE);
    let inserts = project.canon(&["order", "c.sql"]);
    assert_eq!(inserts.out, "public.org  (\"Owner\" to public.usr: checked at commit)\npublic.usr\npublic.log\n");
    let deletes = project.canon(&["order", "c.sql", "--delete"]);
    assert_eq!(deletes.out, "public.log\npublic.usr  (\"Owner\" of public.org: checked at commit)\npublic.org\n");
    let json: serde_json::Value =
        serde_json::from_str(&project.canon(&["order", "c.sql", "--delete", "--format", "json"]).out).unwrap();
    assert_eq!(json[1]["left"][0]["by"], "deferral");
    assert_eq!(json[0]["table"]["name"], "log");
}
