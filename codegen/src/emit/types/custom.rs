//! Types that the schema declares: enums, domains, composites, ranges.

use canon_core::schema::{Composite, Domain, EnumType, RangeType};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use super::ident;
use super::registry::{ENUM, Registry, VALUES};
use super::scalar::Scalar;
use super::text::{code, item, prose};
use super::traits::Traits;
use crate::config::Client;

/// `CREATE TYPE ... AS ENUM`.
pub(super) fn enum_type(registry: &Registry<'_>, ty: &EnumType) -> TokenStream {
    let Some(names) = registry.names_of(&ty.name) else { return TokenStream::new() };
    let docs = item(registry, &ty.name, ty.comment.as_deref(), ty.origin);
    let name = format_ident!("{}", names.ty);
    let body = labels(registry, &name, &docs, &ty.labels, ENUM);
    let sql = registry.sql_name(&ty.name);
    registry.need("sql_enum");
    quote! {
        #body
        rt::sql_enum!(#name, #sql);
    }
}

/// The enum of a column or domain whose check lists its values.
pub(super) fn values(registry: &Registry<'_>, name: &Ident, docs: &[String], values: &[String]) -> TokenStream {
    let body = labels(registry, name, docs, values, VALUES);
    registry.need("text_enum");
    quote! {
        #body
        rt::text_enum!(#name);
    }
}

fn labels(registry: &Registry<'_>, name: &Ident, docs: &[String], labels: &[String], traits: Traits) -> TokenStream {
    let serde = registry.config.serde;
    let derives = traits.derives(serde);
    let variants = ident::variants(labels);
    let declarations = labels.iter().zip(&variants).map(|(label, variant)| {
        let doc = format!(" {}.", code(label));
        let rename = traits.serde_attribute(serde, quote!(rename = #label));
        quote!(#[doc = #doc] #rename #variant)
    });
    let count = Literal::usize_unsuffixed(labels.len());
    registry.need("labels");
    quote! {
        #(#[doc = #docs])*
        #derives
        pub enum #name {
            #(#declarations,)*
        }

        impl #name {
            /// All values, in the order of their declaration.
            pub const ALL: [Self; #count] = [#(Self::#variants),*];

            /// The value as the database spells it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    #(Self::#variants => #labels,)*
                }
            }
        }

        rt::labels!(#name);
    }
}

/// `CREATE DOMAIN`: its base type as a type of its own, or an enum where its check lists values.
pub(super) fn domain(registry: &Registry<'_>, domain: &Domain) -> Result<TokenStream, String> {
    let Some(names) = registry.names_of(&domain.name) else { return Ok(TokenStream::new()) };
    let name = format_ident!("{}", names.ty);
    let mut docs = item(registry, &domain.name, domain.comment.as_deref(), domain.origin);
    docs.push(String::new());
    docs.push(format!(" Domain over {}.", code(&domain.ty)));
    for check in domain.checks.iter().filter_map(|c| c.expression.as_deref()) {
        docs.push(String::new());
        docs.push(format!(" The database checks {}.", code(check)));
    }
    if let Some(listed) = registry.domain_values(domain) {
        return Ok(values(registry, &name, &docs, &listed));
    }
    let inner = registry.resolve(&domain.name, &domain.ty, registry.config.nullable_elements)?;
    Ok(newtype(registry, &name, &docs, &inner, inner.traits, Some(&domain.name.to_string())))
}

/// A newtype of a scalar; `sql` is the SQL type that it is, where that is not the scalar's.
pub(super) fn newtype(
    registry: &Registry<'_>,
    name: &Ident,
    docs: &[String],
    inner: &Scalar,
    traits: Traits,
    sql: Option<&str>,
) -> TokenStream {
    let serde = registry.config.serde;
    let derives = traits.derives(serde);
    let transparent = traits.serde_attribute(serde, quote!(transparent));
    let rust = &inner.rust;
    registry.need("newtype");
    let display = inner.traits.has(Traits::DISPLAY).then(|| {
        registry.need("display");
        quote!(rt::display!(#name);)
    });
    let sql = match (registry.config.client, sql) {
        // sqlx names the type of a parameter, and a domain is not its base type in an array or composite.
        (Client::Sqlx, Some(sql)) if inner.cast.is_none() => {
            registry.need("domain");
            quote!(rt::domain!(#name, #rust, #sql);)
        }
        _ => {
            registry.need("newtype_sql");
            quote!(rt::newtype_sql!(#name, #rust);)
        }
    };
    let sql = (registry.config.client != Client::None).then_some(sql);
    quote! {
        #(#[doc = #docs])*
        #derives
        #transparent
        pub struct #name(
            /// The value.
            pub #rust,
        );

        rt::newtype!(#name, #rust);
        #display
        #sql
    }
}

/// `CREATE TYPE ... AS (...)`. None where it travels as text.
pub(super) fn composite(registry: &Registry<'_>, ty: &Composite) -> Result<Option<TokenStream>, String> {
    let Some(names) = registry.names_of(&ty.name) else { return Ok(None) };
    let Some(traits) = registry.composite_traits(ty, 0)? else { return Ok(None) };
    let docs = item(registry, &ty.name, ty.comment.as_deref(), ty.origin);
    let name = format_ident!("{}", names.ty);
    let serde = registry.config.serde;
    let derives = traits.derives(serde);
    let fields = ident::fields(ty.columns.iter().map(|c| c.name.as_str()));
    let mut declarations = Vec::with_capacity(fields.len());
    for (column, field) in ty.columns.iter().zip(&fields) {
        let rust = registry.resolve(&ty.name, &column.ty, registry.config.nullable_elements)?.rust;
        let doc = match column.comment.as_deref().map(prose).filter(|c| !c.is_empty()) {
            Some(comment) => format!(" {comment}"),
            None => format!(" Attribute {}.", code(&column.name)),
        };
        let original = &column.name;
        let plain = field.to_string().trim_start_matches("r#") == original;
        let rename = (!plain).then(|| traits.serde_attribute(serde, quote!(rename = #original)));
        // No attribute of a composite can be declared NOT NULL.
        declarations.push(quote!(#[doc = #doc] #rename pub #field: Option<#rust>));
    }
    let columns = ty.columns.iter().map(|c| &c.name);
    let sql = registry.sql_name(&ty.name);
    let conversions = (registry.config.client != Client::None).then(|| {
        registry.need("composite");
        quote!(rt::composite!(#name, #sql, { #(#fields: #columns),* });)
    });
    Ok(Some(quote! {
        #(#[doc = #docs])*
        #derives
        pub struct #name {
            #(#declarations,)*
        }

        #conversions
    }))
}

/// `CREATE TYPE ... AS RANGE`: another name of the range of its element.
pub(super) fn range(registry: &Registry<'_>, range: &RangeType) -> Result<Option<TokenStream>, String> {
    let Some(names) = registry.names_of(&range.name) else { return Ok(None) };
    let ty = registry.resolve(&range.name, &range.name.to_string(), false)?;
    if ty.cast.is_some() {
        return Ok(None);
    }
    let docs = item(registry, &range.name, range.comment.as_deref(), range.origin);
    let (name, rust) = (format_ident!("{}", names.ty), &ty.rust);
    Ok(Some(quote! {
        #(#[doc = #docs])*
        pub type #name = #rust;
    }))
}
