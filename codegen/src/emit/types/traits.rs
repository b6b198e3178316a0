//! What can be derived for a type: what every one of its parts can.

use std::ops::BitAnd;

use proc_macro2::TokenStream;
use quote::quote;

use crate::config::Serde;

/// A set of traits. `Clone`, `Debug` and `PartialEq` are common to all types and not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Traits(u8);

impl Traits {
    pub(super) const NONE: Self = Self(0);
    pub(super) const COPY: Self = Self(1);
    pub(super) const EQ: Self = Self(1 << 1);
    pub(super) const HASH: Self = Self(1 << 2);
    /// `PartialOrd` and `Ord`.
    pub(super) const ORD: Self = Self(1 << 3);
    pub(super) const DEFAULT: Self = Self(1 << 4);
    /// `Serialize` and `Deserialize`.
    pub(super) const SERDE: Self = Self(1 << 5);
    pub(super) const DISPLAY: Self = Self(1 << 6);
    pub(super) const ALL: Self = Self(0x7f);
    /// `Eq`, `Hash` and `Ord`: what a key of a map needs.
    pub(super) const KEY: Self = Self(1 << 1 | 1 << 2 | 1 << 3);

    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// What a struct of such fields can derive.
    pub(super) fn of_all(fields: impl IntoIterator<Item = Self>) -> Self {
        fields.into_iter().fold(Self::ALL.without(Self::DISPLAY), |all, one| all & one)
    }

    /// What an `Option` of it has.
    pub(super) const fn optional(self) -> Self {
        self.with(Self::DEFAULT).without(Self::DISPLAY)
    }

    /// By the names that a setting uses.
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "Clone" | "Debug" | "PartialEq" => Self::NONE,
            "Copy" => Self::COPY,
            "Eq" => Self::EQ,
            "Hash" => Self::HASH,
            "PartialOrd" | "Ord" => Self::ORD,
            "Default" => Self::DEFAULT,
            "Serialize" | "Deserialize" | "serde" => Self::SERDE,
            "Display" => Self::DISPLAY,
            _ => return None,
        })
    }

    /// The attributes that derive them, with `serde` in the way that was asked for.
    pub(super) fn derives(self, serde: Serde) -> TokenStream {
        let part = |has: Self, tokens: TokenStream| if self.has(has) { tokens } else { TokenStream::new() };
        let copy = part(Self::COPY, quote!(Copy,));
        let eq = part(Self::EQ, quote!(Eq,));
        // Ordered but not equal to itself is nothing.
        let ord = part(Self::ORD.with(Self::EQ), quote!(PartialOrd, Ord,));
        let hash = part(Self::HASH, quote!(Hash,));
        let default = part(Self::DEFAULT, quote!(Default,));
        // In an attribute of its own, so that neither takes a line for each trait.
        let with_serde = match (self.has(Self::SERDE), serde) {
            (true, Serde::Always) => quote!(#[derive(serde::Serialize, serde::Deserialize)]),
            (true, Serde::Feature) => {
                quote!(#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))])
            }
            _ => TokenStream::new(),
        };
        quote!(#[derive(Clone, #copy Debug, PartialEq, #eq #ord #hash #default)] #with_serde)
    }

    /// An attribute of serde, where the type has it at all.
    pub(super) fn serde_attribute(self, serde: Serde, attribute: TokenStream) -> TokenStream {
        match (self.has(Self::SERDE), serde) {
            (true, Serde::Always) => quote!(#[serde(#attribute)]),
            (true, Serde::Feature) => quote!(#[cfg_attr(feature = "serde", serde(#attribute))]),
            _ => TokenStream::new(),
        }
    }
}

impl BitAnd for Traits {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_struct_derives_what_all_its_fields_can() {
        let number = Traits::ALL;
        let float = Traits::COPY.with(Traits::DEFAULT).with(Traits::SERDE);
        let text = Traits::KEY.with(Traits::DEFAULT).with(Traits::SERDE);
        assert_eq!(Traits::of_all([number, float]), float);
        assert_eq!(Traits::of_all([number, text]), text);
        assert_eq!(Traits::of_all([float, text]), Traits::DEFAULT.with(Traits::SERDE));
        assert_eq!(
            Traits::of_all([number, float]).derives(Serde::Always).to_string(),
            quote!(#[derive(Clone, Copy, Debug, PartialEq, Default,)] #[derive(serde::Serialize, serde::Deserialize)])
                .to_string()
        );
    }

    #[test]
    fn serde_can_wait_for_a_feature_or_stay_away() {
        let derives = |serde| Traits::SERDE.derives(serde).to_string();
        assert!(derives(Serde::Feature).contains("cfg_attr (feature = \"serde\""));
        assert!(!derives(Serde::Never).contains("serde"));
    }
}
