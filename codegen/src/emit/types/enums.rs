//! An enum for the value list of a check.

use canon_core::schema::{Column, Table};
use proc_macro2::TokenStream;
use quote::quote;

use super::ident;
use super::registry::enum_name;

pub(super) fn emit(table: &Table, column: &Column, values: &[String]) -> TokenStream {
    let name = enum_name(table, column);
    let variants = ident::variants(values);
    let docs: Vec<String> = values.iter().map(|v| format!(" `{v}`.")).collect();
    let doc = format!(" Values of `{}.{}`.", table.name, column.name);
    let count = values.len();
    quote! {
        #[doc = #doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        pub enum #name {
            #(#[doc = #docs] #[serde(rename = #values)] #variants,)*
        }

        impl #name {
            /// All values, in the order of the check.
            pub const ALL: [Self; #count] = [#(Self::#variants),*];

            /// The value as the database spells it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    #(Self::#variants => #values,)*
                }
            }
        }

        text_enum!(#name);
    }
}
