use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;

use proptest::prelude::*;

use super::*;

const ORDER: &str = r#"
name = "shop.order"
states = ["new", "paid", "shipped", "cancelled"]
initial = ["new"]
terminal = ["shipped", "cancelled"]
transitions = [
    { event = "pay", from = "new", to = "paid", set = { paid_at = "now_once" } },
    { event = "ship", from = "paid", to = "shipped", requires = "parcel", roles = ["clerk", "chief"], guards = "shop.in_stock" },
    { event = "cancel", from = ["new", "paid"], to = "cancelled", requires_reason = true },
    { event = "revive", from = "cancelled", to = "new", reopen = true },
]
"#;

fn order() -> Machine {
    Document::read(ORDER).unwrap().machines.remove(0)
}

/// The faults of `ORDER` with one text replaced.
fn faults(replace: &str, by: &str) -> Vec<String> {
    assert!(ORDER.contains(replace));
    let document = Document::parse(&ORDER.replace(replace, by)).unwrap();
    lint(&document.machines[0]).iter().map(ToString::to_string).collect()
}

#[test]
fn toml_and_json_say_the_same() {
    let machine = order();
    assert_eq!(machine.transitions[2].from, ["new", "paid"]);
    assert_eq!(machine.transitions[1].guards, ["shop.in_stock"]);
    let json = serde_json::to_string(&machine).unwrap();
    assert_eq!(Document::read(&json).unwrap().machines, std::slice::from_ref(&machine));
    let document = Document { machines: vec![machine], columns: Vec::new() };
    assert_eq!(Document::read(&serde_json::to_string(&document).unwrap()).unwrap(), document);
    assert_eq!(Document::read(&toml::to_string(&document).unwrap()).unwrap(), document);
}

#[test]
fn values_are_text_numbers_or_flags() {
    let text = r#"
        [[machine]]
        name = "m"
        states = ["a", "b"]
        initial = ["a"]
        terminal = ["b"]
        values = { a = 21, b = true }
        transitions = [{ event = "go", from = "a", to = "b" }]
        [[column]]
        table = "public.t"
        column = "s"
        machine = "m"
    "#;
    let document = Document::read(text).unwrap();
    assert_eq!(document.machines[0].value("a"), "21");
    assert_eq!(document.machines[0].value("b"), "true");
    assert!(document.columns[0].history);
}

#[test]
fn a_misspelt_key_is_shown_where_it_is() {
    let error = Document::read(&ORDER.replace("requires_reason", "require_reason")).unwrap_err().to_string();
    assert!(error.contains("unknown field `require_reason`") && error.contains("line 9"), "{error}");
    let error = Document::read("{\"name\": \"m\", \"stats\": []}").unwrap_err().to_string();
    assert!(error.contains("unknown field `stats`") && error.contains("line 1"), "{error}");
    let twice = "[[machine]]\nname = 'm'\nstates = []\ninitial = []\ntransitions = []\n".repeat(2);
    assert_eq!(Document::parse(&twice).unwrap_err().to_string(), "machine \"m\" is defined twice");
}

#[test]
fn lint_names_every_fault() {
    assert_eq!(lint(&order()), []);
    let cases = [
        ("name = \"shop.order\"", "name = \" \"", "the machine has no name"),
        ("initial = [\"new\"]", "initial = []", "no state is initial"),
        ("\"paid\", \"shipped\"", "\"paid\", \"paid\", \"shipped\"", "state \"paid\" is listed twice"),
        ("initial = [\"new\"]", "initial = [\"knew\"]", "state \"knew\" of initial is not in the list of states"),
        ("to = \"paid\"", "to = \"payed\"", "state \"payed\" of \"pay\" is not in the list of states"),
        (
            ", \"cancelled\"]\ninitial",
            ", \"cancelled\", \"lost\"]\ninitial",
            "state \"lost\" cannot be reached from an initial state",
        ),
        (
            "terminal = [\"shipped\", ",
            "terminal = [",
            "state \"shipped\" is a dead end: list it as terminal, or add a transition out of it",
        ),
        (", reopen = true", "", "\"revive\" leaves the terminal state \"cancelled\": mark it with reopen = true"),
        (
            "initial = [\"new\"]",
            "initial = [\"new\"]\nvalues = { new = 1 }",
            "state \"paid\" has no value, though others have",
        ),
        (
            "initial = [\"new\"]",
            "initial = [\"new\"]\nvalues = { new = 1, paid = 1, shipped = 2, cancelled = 3 }",
            "states \"new\" and \"paid\" have the same value 1",
        ),
        (
            "event = \"cancel\"",
            "event = \"ship\"",
            "\"ship\" leads from \"paid\" to both \"shipped\" and \"cancelled\"",
        ),
        (
            "{ event = \"pay\"",
            "{ event = \"settle\", from = \"new\", to = \"paid\" }, { event = \"pay\"",
            "both \"settle\" and \"pay\" lead from \"new\" to \"paid\"",
        ),
        (
            "{ event = \"pay\"",
            "{ event = \"again\", from = \"new\", to = \"new\" }, { event = \"pay\"",
            "\"again\" leads from \"new\" to itself, which is no change",
        ),
        ("shop.in_stock", "in_stock", "guard \"in_stock\" of \"ship\" must be written schema.function"),
    ];
    for (replace, by, expected) in cases {
        let found = faults(replace, by);
        assert!(found.iter().any(|f| f == expected), "{by}: {found:?}");
    }
}

/// Facts as a table, and a log of what was asked.
#[derive(Default)]
struct Known {
    roles: Vec<&'static str>,
    reason: bool,
    columns: Vec<&'static str>,
    guard: Option<&'static str>,
    asked: Vec<String>,
}

impl Facts for Known {
    type Error = Infallible;

    fn has_role(&mut self, role: &str) -> Result<bool, Infallible> {
        self.asked.push(format!("role {role}"));
        Ok(self.roles.contains(&role))
    }

    fn has_reason(&mut self, _: &Transition) -> Result<bool, Infallible> {
        self.asked.push("reason".to_owned());
        Ok(self.reason)
    }

    fn is_set(&mut self, column: &str) -> Result<bool, Infallible> {
        self.asked.push(format!("column {column}"));
        Ok(self.columns.contains(&column))
    }

    fn guard(&mut self, function: &str) -> Result<Option<String>, Infallible> {
        self.asked.push(format!("guard {function}"));
        Ok(self.guard.map(str::to_owned))
    }
}

fn ask(from: &str, to: &str, mut facts: Known) -> (Result<String, String>, Vec<String>) {
    let machine = Compiled::new(order()).unwrap();
    let (from, to) = (machine.state(from).unwrap(), machine.state(to).unwrap());
    let Ok(decision) = decide(&machine, from, to, true, &mut facts);
    let decision = decision.map_err(|refusal| refusal.to_string()).map(|decision| match decision {
        Decision::Same => "same".to_owned(),
        Decision::Change(transition) => transition.event.clone(),
    });
    (decision, facts.asked)
}

#[test]
fn conditions_are_asked_from_the_cheapest_to_the_dearest() {
    let none = || Known::default();
    assert_eq!(ask("paid", "paid", none()), (Ok("same".to_owned()), vec![]));
    assert_eq!(ask("new", "paid", none()), (Ok("pay".to_owned()), vec![]));
    assert_eq!(ask("shipped", "new", none()).0, Err("no transition leads there".to_owned()));
    let (refused, asked) = ask("paid", "shipped", none());
    assert_eq!(refused, Err("only for members of clerk or chief".to_owned()));
    assert_eq!(asked, ["role clerk", "role chief"]);
    let chief = || Known { roles: vec!["chief"], ..Known::default() };
    assert_eq!(ask("paid", "shipped", chief()).0, Err("needs a value in parcel".to_owned()));
    let packed = || Known { columns: vec!["parcel"], ..chief() };
    let (refused, asked) = ask("paid", "shipped", Known { guard: Some("sold out"), ..packed() });
    assert_eq!(refused, Err("sold out".to_owned()));
    assert_eq!(asked, ["role clerk", "role chief", "column parcel", "guard shop.in_stock"]);
    assert_eq!(ask("paid", "shipped", packed()).0, Ok("ship".to_owned()));
    assert_eq!(ask("new", "cancelled", none()).0, Err("needs a reason".to_owned()));
    assert_eq!(ask("new", "cancelled", Known { reason: true, ..none() }).0, Ok("cancel".to_owned()));
}

#[test]
fn events_lead_where_they_say() {
    let machine = Compiled::new(order()).unwrap();
    let state = |name| machine.state(name).unwrap();
    assert_eq!(machine.fire(state("paid"), "cancel"), Some(state("cancelled")));
    assert_eq!(machine.fire(state("shipped"), "cancel"), None);
    assert_eq!(machine.state("lost"), None);
    assert!(enter(&machine, state("new")).is_ok());
    assert_eq!(enter(&machine, state("paid")), Err(Refusal::NotInitial));
}

#[test]
fn diagrams_survive_hostile_names() {
    let mut machine = order();
    machine.states[3] = "a\"b -->\n%%".to_owned();
    machine.terminal[1] = machine.states[3].clone();
    machine.transitions[2].to = machine.states[3].clone();
    machine.transitions[3].from = vec![machine.states[3].clone()];
    assert_eq!(
        mermaid(&machine),
        "stateDiagram-v2\n    state \"a#34;b --#62;#10;#37;#37;\" as state_3\n    [*] --> new\n    new --> paid: pay\n    \
         paid --> shipped: ship\n    new --> state_3: cancel\n    paid --> state_3: cancel\n    \
         state_3 --> new: revive\n    shipped --> [*]\n    state_3 --> [*]\n"
    );
    assert!(dot(&machine).contains("\"new\" -> \"a\\\"b -->\\n%%\" [label = \"cancel\"];"));
}

/// Machines over few states, most of them faulty in some way.
fn machines() -> impl Strategy<Value = Machine> {
    let state = || (0..6_usize).prop_map(|n| format!("s{n}"));
    let transition = (0..4_usize, prop::collection::btree_set(state(), 1..4), state(), any::<bool>()).prop_map(
        |(event, from, to, reopen)| Transition {
            event: format!("e{event}"),
            from: from.into_iter().collect(),
            to,
            reopen,
            ..Transition::default()
        },
    );
    let states = |n| prop::collection::btree_set(state(), n).prop_map(|s| s.into_iter().collect::<Vec<_>>());
    (states(0..3), states(0..4), prop::collection::vec(transition, 0..8), 1..7_usize).prop_map(
        |(initial, terminal, transitions, count)| Machine {
            name: "m".to_owned(),
            states: (0..count).map(|n| format!("s{n}")).collect(),
            initial,
            terminal,
            transitions,
            ..Machine::default()
        },
    )
}

/// Sound machines: every state is entered from an earlier one, plus changes at random.
fn sound_machines() -> impl Strategy<Value = Machine> {
    let parents = prop::collection::vec(any::<prop::sample::Index>(), 1..8);
    (parents, prop::collection::btree_set((0..8_usize, 0..8_usize), 0..12)).prop_map(|(parents, more)| {
        let count = parents.len() + 1;
        let tree = parents.iter().enumerate().map(|(n, parent)| (parent.index(n + 1), n + 1));
        let pairs: std::collections::BTreeSet<_> =
            tree.chain(more).filter(|(from, to)| from != to && *from < count && *to < count).collect();
        let name = |n: usize| format!("s{n}");
        let transition = |(event, (from, to)): (usize, &(usize, usize))| Transition {
            event: format!("e{event}"),
            from: vec![name(*from)],
            to: name(*to),
            ..Transition::default()
        };
        Machine {
            name: "m".to_owned(),
            states: (0..count).map(name).collect(),
            initial: vec![name(0)],
            terminal: (0..count).filter(|n| !pairs.iter().any(|(from, _)| from == n)).map(name).collect(),
            transitions: pairs.iter().enumerate().map(transition).collect(),
            ..Machine::default()
        }
    })
}

/// Whether `to` can be reached from `from` by the transitive closure of the changes, computed the
/// slow way.
fn closure(machine: &Machine) -> HashSet<(String, String)> {
    let mut pairs: HashSet<(String, String)> =
        machine.changes().map(|(from, to, _)| (from.to_owned(), to.to_owned())).collect();
    for through in &machine.states {
        for from in &machine.states {
            for to in &machine.states {
                let first = pairs.contains(&(from.clone(), through.clone()));
                if first && pairs.contains(&(through.clone(), to.clone())) {
                    pairs.insert((from.clone(), to.clone()));
                }
            }
        }
    }
    pairs
}

proptest! {
    /// Lint agrees with definitions taken literally, over whole machines.
    #[test]
    fn lint_finds_exactly_the_faulty(machine in machines()) {
        let found = lint(&machine);
        let has = |name: &str| machine.states.iter().any(|s| s == name);
        let named = machine.initial.iter().chain(&machine.terminal);
        let used = machine.changes().flat_map(|(from, to, _)| [from, to]);
        let unknown = named.map(String::as_str).chain(used).any(|state| !has(state));
        prop_assert_eq!(unknown, found.iter().any(|f| matches!(f, Finding::UnknownState { .. })));
        prop_assert_eq!(machine.initial.is_empty(), found.contains(&Finding::NoInitialState));

        let changes: Vec<_> = machine.changes().collect();
        let conflict = |test: &dyn Fn(usize, usize) -> bool| {
            (0..changes.len()).any(|a| (0..a).any(|b| test(a, b)))
        };
        let nondeterministic = conflict(&|a, b| {
            changes[a].0 == changes[b].0 && changes[a].2.event == changes[b].2.event && changes[a].1 != changes[b].1
        });
        prop_assert_eq!(nondeterministic, found.iter().any(|f| matches!(f, Finding::Nondeterministic { .. })));
        let ambiguous = conflict(&|a, b| changes[a].0 == changes[b].0 && changes[a].1 == changes[b].1);
        prop_assert_eq!(ambiguous, found.iter().any(|f| matches!(f, Finding::Ambiguous { .. })));

        if !unknown {
            let reach = closure(&machine);
            for state in &machine.states {
                let start = machine.initial.contains(state);
                let reached = start || machine.initial.iter().any(|i| reach.contains(&(i.clone(), state.clone())));
                prop_assert_eq!(!reached, found.contains(&Finding::Unreachable(state.clone())), "{}", state);
                let stuck = !machine.terminal.contains(state)
                    && !changes.iter().any(|(from, to, _)| from == state && to != state);
                prop_assert_eq!(stuck, found.contains(&Finding::DeadEnd(state.clone())), "{}", state);
            }
        }
        prop_assert_eq!(found.is_empty(), Compiled::new(machine).is_ok());
    }

    /// The table of pairs says what the list of transitions says.
    #[test]
    fn compiled_answers_for_every_pair(machine in sound_machines()) {
        let listed: BTreeMap<(String, String), String> = machine
            .changes()
            .map(|(from, to, t)| ((from.to_owned(), to.to_owned()), t.event.clone()))
            .collect();
        let compiled = Compiled::new(machine.clone()).unwrap();
        for from in &machine.states {
            let a = compiled.state(from).unwrap();
            prop_assert_eq!(compiled.is_initial(a), machine.initial.contains(from));
            for to in &machine.states {
                let b = compiled.state(to).unwrap();
                let found = compiled.transition(a, b).map(|t| t.event.clone());
                prop_assert_eq!(found.as_ref(), listed.get(&(from.clone(), to.clone())));
                if let Some(event) = found {
                    prop_assert_eq!(compiled.fire(a, &event), Some(b));
                }
            }
        }
    }

    /// No text makes reading panic.
    #[test]
    fn reading_never_panics(text in "[\\[\\]{}=\",a-z\\n ]{0,60}") {
        let _ = Document::read(&text);
    }
}
