//! Transitions of status machines: methods of the enum that a column has, or of an enum of their own.

use canon_core::schema::Table;
use canon_core::status::Machine;
use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::ident;
use super::names::Names;
use crate::sample;
use crate::status::Machines;

/// Name of the module in the folder of a schema.
pub(super) const MODULE: &str = "status_machines";

/// For every schema, the module of the machines whose columns lie there.
pub(super) fn emit(machines: &Machines<'_>, names: &Names, schema: &str) -> Option<TokenStream> {
    let mut items = Vec::new();
    for machine in &machines.document.machines {
        let here: Vec<_> = machines.columns_of(machine).filter(|(table, _)| table.name.schema == schema).collect();
        if here.is_empty() {
            continue;
        }
        let mut named = Vec::new();
        for (table, column) in here {
            match existing(names, table, &column.column) {
                Some((name, labels)) => items.push(methods(machine, &labels, &quote!(super::#name))),
                None => named.push(format!("`{}.{}`", column.table, column.column)),
            }
        }
        if !named.is_empty() {
            items.push(own_enum(machine, &named));
        }
    }
    let title = format!(" Status machines of schema `{schema}`: what may become of what.");
    (!items.is_empty()).then(|| quote! { #![doc = #title] #(#items)* })
}

/// The enum that the column's check has made, and the values that name its variants.
fn existing(names: &Names, table: &Table, column: &str) -> Option<(Ident, Vec<String>)> {
    let name = names.values(&table.name, column)?;
    Some((ident::ident(name), sample::value_list(table, column)?))
}

/// An enum of the states, for columns that hold something else than their names.
fn own_enum(machine: &Machine, columns: &[String]) -> TokenStream {
    let (_, short) = machine.name.rsplit_once('.').unwrap_or(("", &machine.name));
    let name = ident::ident(&ident::type_name(&format!("{short}_state")));
    let states = &machine.states;
    let variants = ident::variants(states);
    let doc = format!(" States of machine `{}`, which governs {}.", machine.name, columns.join(" and "));
    let docs: Vec<String> = states.iter().map(|s| format!(" `{s}`, held as `{}`.", machine.value(s))).collect();
    let count = states.len();
    let (ty, values): (TokenStream, Vec<TokenStream>) =
        if states.iter().all(|s| machine.value(s).parse::<i32>().is_ok()) {
            let number = |s: &String| machine.value(s).parse::<i32>().ok().map(proc_macro2::Literal::i32_unsuffixed);
            (
                quote!(i32),
                states
                    .iter()
                    .map(|s| {
                        let number = number(s);
                        quote!(#number)
                    })
                    .collect(),
            )
        } else if states.iter().all(|s| matches!(machine.value(s), "true" | "false")) {
            (
                quote!(bool),
                states
                    .iter()
                    .map(|s| {
                        let flag = machine.value(s) == "true";
                        quote!(#flag)
                    })
                    .collect(),
            )
        } else {
            (
                quote!(&'static str),
                states
                    .iter()
                    .map(|s| {
                        let text = machine.value(s);
                        quote!(#text)
                    })
                    .collect(),
            )
        };
    let labels: Vec<String> = states.iter().map(|state| machine.value(state).to_owned()).collect();
    let methods = methods_of(machine, &labels, &variants, &quote!(#name));
    quote! {
        #[doc = #doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum #name {
            #(#[doc = #docs] #variants,)*
        }

        impl #name {
            /// All states, in the order of the machine.
            pub const ALL: [Self; #count] = [#(Self::#variants),*];

            /// The name of the state.
            pub const fn as_str(self) -> &'static str {
                match self { #(Self::#variants => #states,)* }
            }

            /// What the column holds.
            pub const fn value(self) -> #ty {
                match self { #(Self::#variants => #values,)* }
            }

            /// The state that the column's value stands for.
            pub fn from_value(value: #ty) -> Option<Self> {
                Self::ALL.into_iter().find(|state| state.value() == value)
            }
        }

        #methods
    }
}

fn methods(machine: &Machine, labels: &[String], path: &TokenStream) -> TokenStream {
    methods_of(machine, labels, &ident::variants(labels), path)
}

/// `variants` stand for what the column holds: `labels`.
fn methods_of(machine: &Machine, labels: &[String], variants: &[Ident], path: &TokenStream) -> TokenStream {
    let variant = |state: &str| {
        let place = labels.iter().position(|label| label == machine.value(state)).unwrap_or_default();
        &variants[place]
    };
    let list = |names: &[String]| -> TokenStream {
        let variants = names.iter().map(|state| variant(state));
        quote!(&[#(Self::#variants),*])
    };
    let (initial, terminal) = (list(&machine.initial), list(&machine.terminal));
    let pairs: Vec<TokenStream> = machine
        .changes()
        .map(|(from, to, _)| {
            let (from, to) = (variant(from), variant(to));
            quote!((Self::#from, Self::#to))
        })
        .collect();
    let arms = machine.states.iter().map(|state| {
        let from = variant(state);
        let events = machine.changes().filter(|(f, ..)| f == state).map(|(_, to, t)| {
            let (event, to) = (&t.event, variant(to));
            quote!((#event, Self::#to))
        });
        quote!(Self::#from => &[#(#events),*])
    });
    let doc = format!(" Status machine `{}`: {}", machine.name, machine.description);
    quote! {
        #[doc = #doc]
        impl #path {
            /// States that a new row may have.
            pub const INITIAL: &'static [Self] = #initial;

            /// States that are left only by reopening.
            pub const TERMINAL: &'static [Self] = #terminal;

            /// Whether the machine has a transition to `to`. Staying in a state is none, and none is needed for it.
            /// Conditions of the transition are for the database.
            pub const fn can_transition_to(self, to: Self) -> bool {
                matches!((self, to), #(#pairs)|*)
            }

            /// Events that can happen in this state, each with the state that it leads to.
            pub const fn events(self) -> &'static [(&'static str, Self)] {
                match self { #(#arms,)* }
            }
        }
    }
}
