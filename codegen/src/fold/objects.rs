//! Types, sequences, views and functions coming into being and changing.

use canon_core::schema::{
    Argument, Column, ColumnRef, Composite, Constraint, ConstraintKind, Domain, EnumType, Function, FunctionKind,
    Origin, QName, RangeType, Sequence, quote_ident,
};

use super::dependents::is_of;
use super::taken::{is_temporary_name, twice};
use super::{Catalog, Refused, Relation, unnamed};
use crate::parse::change::{
    AlterComposite, AlterDomain, ColumnDef, ConstraintBody, ConstraintDef, CreateDomain, CreateFunction, DropTarget,
    EnumPlace, FunctionOptions, SequenceOptions,
};
use crate::parse::{Name, TypeName};

impl Catalog {
    pub(super) fn find_type(&self, name: &Name) -> Option<QName> {
        self.lookup(name, |n| {
            self.enums.contains_key(n)
                || self.domains.contains_key(n)
                || self.composites.contains_key(n)
                || self.base_types.contains_key(n)
                || self.ranges.contains_key(n)
        })
    }

    fn new_type(&mut self, name: &Name) -> Result<QName, Refused> {
        let name = self.new_name(name);
        self.refuse_type(&name)?;
        self.endow("type", &name, None);
        Ok(name)
    }

    pub(super) fn create_enum(&mut self, name: &Name, labels: Vec<String>, origin: Origin) -> Result<(), Refused> {
        if let Some(label) = twice(labels.iter().map(String::as_str)) {
            return Err(format!("enum {name} has the value {label} twice"));
        }
        let name = self.new_type(name)?;
        self.enums.insert(name.clone(), EnumType { name, labels, comment: None, origin: Some(origin) });
        Ok(())
    }

    fn enum_mut(&mut self, name: &Name) -> Result<&mut EnumType, Refused> {
        let found = self.lookup(name, |n| self.enums.contains_key(n));
        found.and_then(|n| self.enums.get_mut(&n)).ok_or_else(|| format!("enum {name} does not exist"))
    }

    pub(super) fn add_enum_value(
        &mut self,
        name: &Name,
        label: String,
        place: &EnumPlace,
        if_not_exists: bool,
    ) -> Result<(), Refused> {
        let ty = self.enum_mut(name)?;
        if ty.labels.contains(&label) {
            return if if_not_exists { Ok(()) } else { Err(format!("{name} has the value {label} already")) };
        }
        let position = |neighbour: &String| {
            let found = ty.labels.iter().position(|l| l == neighbour);
            found.ok_or_else(|| format!("{name} has no value {neighbour}"))
        };
        let index = match place {
            EnumPlace::End => ty.labels.len(),
            EnumPlace::Before(neighbour) => position(neighbour)?,
            EnumPlace::After(neighbour) => position(neighbour)? + 1,
        };
        ty.labels.insert(index, label);
        Ok(())
    }

    pub(super) fn rename_enum_value(&mut self, name: &Name, from: &str, to: String) -> Result<(), Refused> {
        let ty = self.enum_mut(name)?;
        if ty.labels.contains(&to) {
            return Err(format!("{name} has the value {to} already"));
        }
        match ty.labels.iter_mut().find(|l| *l == from) {
            Some(label) => {
                *label = to;
                Ok(())
            }
            None => Err(format!("{name} has no value {from}")),
        }
    }

    pub(super) fn create_domain(
        &mut self,
        def: CreateDomain,
        origin: Origin,
        place: &dyn Fn(usize) -> Origin,
    ) -> Result<(), Refused> {
        if let Some(check) = twice(def.checks.iter().filter_map(|c| c.name.as_deref())) {
            return Err(format!("constraint {check} of domain {} is there twice", def.name));
        }
        let name = self.new_type(&def.name)?;
        let domain = Domain {
            name: name.clone(),
            ty: self.type_display(&def.ty),
            not_null: def.not_null,
            default: def.default.and_then(|text| self.stored_default(text)),
            collation: def.collation.as_ref().map(|c| self.collation_name(c)),
            checks: Vec::new(),
            comment: None,
            origin: Some(origin),
        };
        self.domains.insert(name.clone(), domain);
        def.checks.into_iter().try_for_each(|check| self.add_domain_check(&name, check, place))
    }

    fn add_domain_check(
        &mut self,
        domain: &QName,
        def: ConstraintDef,
        place: &dyn Fn(usize) -> Origin,
    ) -> Result<(), Refused> {
        let ConstraintBody::Check(expression) = def.body else { return Ok(()) };
        let check = Constraint {
            name: def.name.unwrap_or_else(|| self.unnamed_domain_check(domain)),
            kind: ConstraintKind::Check,
            expression: Some(expression),
            not_valid: def.not_valid,
            origin: Some(place(def.at)),
            ..Constraint::default()
        };
        let Some(known) = self.domains.get_mut(domain) else { return Ok(()) };
        if known.checks.iter().any(|c| c.name == check.name) {
            return Err(format!("constraint {} of domain {domain} already exists", check.name));
        }
        *self.constraint_names.entry(QName::new(&domain.schema, &check.name)).or_insert(0) += 1;
        known.checks.push(check);
        Ok(())
    }

    pub(super) fn alter_domain(
        &mut self,
        name: &Name,
        action: AlterDomain,
        place: &dyn Fn(usize) -> Origin,
    ) -> Result<(), Refused> {
        let Some(found) = self.lookup(name, |n| self.domains.contains_key(n)) else {
            return Err(format!("domain {name} does not exist"));
        };
        if let AlterDomain::AddCheck(check) = action {
            return self.add_domain_check(&found, check, place);
        }
        if let AlterDomain::SetDefault(default) = action {
            let default = default.and_then(|text| self.stored_default(text));
            self.domains[&found].default = default;
            return Ok(());
        }
        let Some(domain) = self.domains.get_mut(&found) else { return Ok(()) };
        let missing = |check: &str| format!("constraint {check} of domain {name} does not exist");
        match action {
            AlterDomain::SetNotNull(not_null) => domain.not_null = not_null,
            AlterDomain::DropConstraint { name: check, if_exists } => {
                let before = domain.checks.len();
                domain.checks.retain(|c| c.name != check);
                if domain.checks.len() == before && !if_exists {
                    return Err(missing(&check));
                }
            }
            AlterDomain::RenameConstraint { to, .. } if domain.checks.iter().any(|c| c.name == to) => {
                return Err(format!("constraint {to} of domain {name} already exists"));
            }
            AlterDomain::RenameConstraint { from, to } => {
                domain.checks.iter_mut().find(|c| c.name == from).ok_or_else(|| missing(&from))?.name = to;
            }
            AlterDomain::ValidateConstraint(check) => {
                domain.checks.iter_mut().find(|c| c.name == check).ok_or_else(|| missing(&check))?.not_valid = false;
            }
            AlterDomain::AddCheck(_) | AlterDomain::SetDefault(_) => {}
        }
        Ok(())
    }

    fn attribute(&self, def: ColumnDef, place: &dyn Fn(usize) -> Origin) -> Column {
        Column {
            name: def.name,
            ty: def.ty.as_ref().map(|t| self.type_display(t)).unwrap_or_default(),
            collation: def.collation.as_ref().map(|c| self.collation_name(c)),
            origin: Some(place(def.at)),
            ..Column::default()
        }
    }

    pub(super) fn create_composite(
        &mut self,
        name: &Name,
        attributes: Vec<ColumnDef>,
        origin: Origin,
        place: &dyn Fn(usize) -> Origin,
    ) -> Result<(), Refused> {
        if let Some(attribute) = twice(attributes.iter().map(|a| a.name.as_str())) {
            return Err(format!("attribute {attribute} of type {name} is there twice"));
        }
        let name = self.new_name(name);
        self.claim(&name, Relation::Composite)?;
        self.endow("type", &name, None);
        let columns: Vec<Column> = attributes.into_iter().map(|a| self.attribute(a, place)).collect();
        self.composites.insert(name.clone(), Composite { name, columns, comment: None, origin: Some(origin) });
        Ok(())
    }

    pub(super) fn alter_composite(
        &mut self,
        name: &Name,
        actions: Vec<AlterComposite>,
        place: &dyn Fn(usize) -> Origin,
    ) -> Result<(), Refused> {
        let Some(found) = self.lookup(name, |n| self.composites.contains_key(n)) else {
            // Options of a base type, which is kept as text.
            return if actions.is_empty() { Ok(()) } else { Err(format!("type {name} does not exist")) };
        };
        let before = self.composites[&found].clone();
        let done = actions.into_iter().try_for_each(|action| self.alter_attribute(name, &found, action, place));
        match done {
            Ok(()) => self.follow_type(&found),
            Err(_) => self.composites[&found] = before,
        }
        done
    }

    fn alter_attribute(
        &mut self,
        name: &Name,
        found: &QName,
        action: AlterComposite,
        place: &dyn Fn(usize) -> Origin,
    ) -> Result<(), Refused> {
        let missing = |attribute: &str| format!("attribute {attribute} of type {name} does not exist");
        let new = match &action {
            AlterComposite::Add(def) => Some(&def.name),
            AlterComposite::Rename(_, to) => Some(to),
            AlterComposite::SetType(..) | AlterComposite::Drop(_) => None,
        };
        if let Some(new) = new
            && self.composites[found].columns.iter().any(|c| c.name == *new)
        {
            return Err(format!("attribute {new} of type {name} already exists"));
        }
        let added = match action {
            AlterComposite::Add(def) => Some(self.attribute(*def, place)),
            AlterComposite::SetType(attribute, ty, collation) => {
                let ty = self.type_display(&ty);
                let collation = collation.as_ref().map(|c| self.collation_name(c));
                let columns = &mut self.composites[found].columns;
                let column = columns.iter_mut().find(|c| c.name == attribute).ok_or_else(|| missing(&attribute))?;
                (column.ty, column.collation) = (ty, collation);
                None
            }
            AlterComposite::Drop(attribute) => {
                self.composites[found].columns.retain(|c| c.name != attribute);
                None
            }
            AlterComposite::Rename(from, to) => {
                let columns = &mut self.composites[found].columns;
                columns.iter_mut().find(|c| c.name == from).ok_or_else(|| missing(&from))?.name = to;
                None
            }
        };
        self.composites[found].columns.extend(added);
        Ok(())
    }

    /// Tables OF a type have its attributes, which only CASCADE may change.
    fn follow_type(&mut self, ty: &QName) {
        let attributes = &self.composites[ty].columns;
        for table in self.tables.values_mut().filter(|t| t.of_type.as_ref() == Some(ty)) {
            let mut before = std::mem::take(&mut table.columns);
            table.columns = attributes
                .iter()
                .map(|attribute| match before.iter().position(|c| c.name == attribute.name) {
                    Some(at) => Column { ty: attribute.ty.clone(), ..before.swap_remove(at) },
                    None => Column { comment: None, ..attribute.clone() },
                })
                .collect();
        }
    }

    pub(super) fn create_range(
        &mut self,
        name: &Name,
        subtype: &TypeName,
        multirange: Option<&Name>,
        origin: Origin,
    ) -> Result<(), Refused> {
        let full = self.new_name(name);
        let multirange = match multirange {
            Some(multirange) => self.new_name(multirange),
            None => QName::new(&full.schema, unnamed::multirange(&full.name)),
        };
        if multirange == full {
            return Err(format!("type {full} already exists"));
        }
        self.refuse_type(&multirange)?;
        self.fill_shell(&full);
        let name = self.new_type(name)?;
        let subtype = self.type_display(subtype);
        self.ranges.insert(name.clone(), RangeType { name, subtype, multirange, comment: None, origin: Some(origin) });
        Ok(())
    }

    pub(super) fn create_sequence(
        &mut self,
        name: &Name,
        if_not_exists: bool,
        temporary: bool,
        options: &SequenceOptions,
        origin: Origin,
    ) -> Result<(), Refused> {
        if temporary || is_temporary_name(name) {
            return self.claim_temporary(&name.name, if_not_exists);
        }
        let name = self.new_name(name);
        if self.relations.contains_key(&name) && if_not_exists {
            return Ok(());
        }
        let mut sequence = Sequence { name: name.clone(), origin: Some(origin), ..Sequence::default() };
        "bigint".clone_into(&mut sequence.ty);
        self.sequence_options(&mut sequence, options, true)?;
        self.claim(&name, Relation::Sequence)?;
        self.endow("sequence", &name, None);
        self.sequences.insert(name, sequence);
        Ok(())
    }

    /// The sequence of a serial or identity column.
    pub(super) fn column_sequence(
        &mut self,
        table: &QName,
        column: &str,
        options: &SequenceOptions,
        origin: Origin,
    ) -> Result<QName, Refused> {
        let name = match &options.name {
            Some(name) => self.new_name(name),
            None => QName::new(&table.schema, self.unnamed_sequence(table, column)),
        };
        let mut sequence = Sequence { name: name.clone(), origin: Some(origin), ..Sequence::default() };
        self.sequence_options(&mut sequence, options, true)?;
        self.claim(&name, Relation::Sequence)?;
        sequence.owned_by = Some(ColumnRef { table: table.clone(), column: column.to_owned() });
        self.endow("sequence", &name, None);
        self.sequences.insert(name.clone(), sequence);
        Ok(name)
    }

    pub(super) fn alter_sequence(&mut self, name: &Name, options: &SequenceOptions) -> Result<(), Refused> {
        match self.find_relation(name) {
            Some((_, Relation::Temporary)) => Ok(()),
            Some((found, Relation::Sequence)) => {
                let Some(mut sequence) = self.sequences.get(&found).cloned() else { return Ok(()) };
                self.sequence_options(&mut sequence, options, false)?;
                self.sequences.insert(found, sequence);
                Ok(())
            }
            _ => Err(format!("sequence {name} does not exist")),
        }
    }

    /// Fills in what the options leave open, as `init_params` of the server does.
    fn sequence_options(&self, sequence: &mut Sequence, options: &SequenceOptions, new: bool) -> Result<(), Refused> {
        let old_bounds = bounds(&sequence.ty);
        if let Some(ty) = &options.ty {
            sequence.ty.clone_from(ty);
        }
        let (low, high) = bounds(&sequence.ty);
        let type_changed = !new && old_bounds != (low, high);
        sequence.increment = options.increment.unwrap_or(if new { 1 } else { sequence.increment });
        let ascending = sequence.increment > 0;
        // A bound that was the old type's becomes that of the new one, whichever way it counts.
        let (new_max, new_min) =
            (type_changed && sequence.max == old_bounds.1, type_changed && sequence.min == old_bounds.0);
        let default_max = if ascending || new_max { high } else { -1 };
        let default_min = if ascending && !new_min { 1 } else { low };
        let (keeps_max, keeps_min) = (!(new || new_max), !(new || new_min));
        sequence.max = match options.max {
            Some(Some(max)) => max,
            None if keeps_max => sequence.max,
            _ => default_max,
        };
        sequence.min = match options.min {
            Some(Some(min)) => min,
            None if keeps_min => sequence.min,
            _ => default_min,
        };
        sequence.start = match options.start {
            Some(start) => start,
            None if new => {
                if ascending {
                    sequence.min
                } else {
                    sequence.max
                }
            }
            None => sequence.start,
        };
        sequence.cache = options.cache.unwrap_or(if new { 1 } else { sequence.cache });
        sequence.cycle = options.cycle.unwrap_or(sequence.cycle);
        match &options.owned_by {
            Some(Some((table, column))) => {
                let Some(table) = self.find_table(table) else { return Err(format!("table {table} does not exist")) };
                sequence.owned_by = Some(ColumnRef { table, column: column.clone() });
            }
            Some(None) => sequence.owned_by = None,
            None => {}
        }
        Ok(())
    }

    pub(super) fn create_function(&mut self, def: CreateFunction, origin: Origin) -> Result<(), Refused> {
        if is_temporary_name(&def.name) {
            return Ok(());
        }
        let name = self.new_name(&def.name);
        let arguments: Vec<Argument> = def
            .arguments
            .into_iter()
            .map(|a| Argument { mode: a.mode, name: a.name, ty: self.function_type(&a.ty), default: a.default })
            .collect();
        let out: Vec<&Argument> = arguments.iter().filter(|a| matches!(a.mode.as_str(), "out" | "inout")).collect();
        let returns = match (&def.returns, out.as_slice()) {
            (Some(ty), _) => Some(self.function_type(ty)),
            (None, _) if def.kind == FunctionKind::Procedure => None,
            (None, [only]) => Some(only.ty.clone()),
            (None, []) => None,
            (None, _) => Some("record".to_owned()),
        };
        let mut function = Function {
            name,
            kind: def.kind,
            arguments,
            returns,
            language: "sql".to_owned(),
            volatility: "volatile".to_owned(),
            parallel: "unsafe".to_owned(),
            origin: Some(origin),
            ..Function::default()
        };
        apply_options(&mut function, self.with_current_path(def.options));
        let key = function.signature();
        match self.functions.get_mut(&key) {
            Some(existing) if def.or_replace => {
                function.comment = existing.comment.take();
                *existing = function;
            }
            Some(_) => return Err(format!("function {key} already exists")),
            None => {
                let arguments = function.input_types().into_iter().map(str::to_owned).collect();
                self.endow("function", &function.name, Some(arguments));
                self.functions.insert(key, function);
            }
        }
        Ok(())
    }

    /// The functions of a base type are older than it: in their signatures its name stood for a shell.
    pub(super) fn adopt_type(&mut self, ty: &QName) {
        self.retype_functions(&quote_ident(&ty.name), &ty.to_string());
    }

    /// Everything that is of a type follows it to its new name.
    pub(super) fn retype(&mut self, from: &str, to: &str) {
        let follow = |ty: &mut String| {
            if is_of(ty, from) {
                *ty = ty.replacen(from, to, 1);
            }
        };
        let of_tables = self.tables.values_mut().flat_map(|t| &mut t.columns);
        let of_views = self.views.values_mut().flat_map(|v| &mut v.columns);
        let attributes = self.composites.values_mut().flat_map(|c| &mut c.columns);
        of_tables.chain(of_views).chain(attributes).map(|c| &mut c.ty).for_each(follow);
        self.domains.values_mut().map(|d| &mut d.ty).for_each(follow);
        self.ranges.values_mut().map(|r| &mut r.subtype).for_each(follow);
        self.retype_functions(from, to);
    }

    /// Signatures are keys, so they change places.
    fn retype_functions(&mut self, from: &str, to: &str) {
        let types = |f: &Function| f.arguments.iter().map(|a| &a.ty).chain(&f.returns).any(|ty| is_of(ty, from));
        let users: Vec<String> = self.functions.iter().filter(|(_, f)| types(f)).map(|(key, _)| key.clone()).collect();
        for key in users {
            let Some((index, _, mut function)) = self.functions.shift_remove_full(&key) else { continue };
            for ty in function.arguments.iter_mut().map(|a| &mut a.ty).chain(&mut function.returns) {
                if is_of(ty, from) {
                    *ty = ty.replacen(from, to, 1);
                }
            }
            self.functions.shift_insert(index, function.signature(), function);
        }
    }

    /// A type in the signature of a function: PostgreSQL drops lengths there, and `t.c%TYPE` is the
    /// type that the column has now.
    fn function_type(&self, ty: &TypeName) -> String {
        let mut bare = TypeName { modifiers: Vec::new(), ..ty.clone() };
        if bare.builtin && bare.name.name.starts_with("interval") {
            "interval".clone_into(&mut bare.name.name);
        }
        // Without a length the two are one type.
        if bare.builtin && bare.name.name == "bpchar" {
            "character".clone_into(&mut bare.name.name);
        }
        if bare.suffix != "%TYPE" {
            return self.type_display(&bare);
        }
        let table = bare.name.schema.as_ref().map(|table| Name { schema: None, name: table.clone() });
        let found = table.and_then(|table| self.find_table(&table)).and_then(|name| self.tables.get(&name));
        match found.and_then(|table| table.column(&bare.name.name)) {
            Some(column) => {
                let ty = without_length(&column.ty);
                if bare.setof { format!("SETOF {ty}") } else { ty }
            }
            None => self.type_display(&bare),
        }
    }

    pub(super) fn alter_function(
        &mut self,
        name: &Name,
        arguments: Option<&[TypeName]>,
        options: FunctionOptions,
    ) -> Result<(), Refused> {
        let target = DropTarget { name: name.clone(), table: None, arguments: arguments.map(<[TypeName]>::to_vec) };
        let options = self.with_current_path(options);
        match self.match_function(&target).and_then(|key| self.functions.get_mut(&key)) {
            Some(function) => {
                apply_options(function, options);
                Ok(())
            }
            None => Err(format!("function {name} does not exist")),
        }
    }

    /// `SET search_path FROM CURRENT` is the path of the script.
    fn with_current_path(&self, mut options: FunctionOptions) -> FunctionOptions {
        for setting in options.settings.iter_mut().filter(|s| *s == "search_path=current") {
            let names: Vec<String> = self.path.iter().map(|name| quote_ident(name)).collect();
            let user = if self.path == ["public"] { "\"$user\", " } else { "" };
            *setting = format!("search_path={user}{}", names.join(", "));
        }
        options
    }

    /// The function that a statement means: by argument types, or the only one of that name.
    pub(super) fn match_function(&self, target: &DropTarget) -> Option<String> {
        let candidates = self.find_function(&target.name);
        let Some(types) = &target.arguments else {
            return if candidates.len() == 1 { candidates.into_iter().next() } else { None };
        };
        let wanted: Vec<String> = types.iter().map(|t| self.function_type(t)).collect();
        let matches = |key: &&String| self.functions[*key].input_types() == wanted;
        candidates.iter().find(matches).or(candidates.first().filter(|_| candidates.len() == 1)).cloned()
    }
}

/// `timestamp(3) with time zone` without its `(3)`.
fn without_length(ty: &str) -> String {
    match (ty.find('('), ty.find(')')) {
        (Some(open), Some(close)) if open < close => format!("{}{}", &ty[..open], &ty[close + 1..]),
        _ => ty.to_owned(),
    }
}

fn bounds(ty: &str) -> (i64, i64) {
    match ty {
        "smallint" => (i16::MIN.into(), i16::MAX.into()),
        "integer" => (i32::MIN.into(), i32::MAX.into()),
        _ => (i64::MIN, i64::MAX),
    }
}

fn apply_options(function: &mut Function, options: FunctionOptions) {
    if let Some(language) = options.language {
        function.language = language;
    }
    if let Some(volatility) = options.volatility {
        volatility.clone_into(&mut function.volatility);
    }
    if let Some(parallel) = options.parallel {
        function.parallel = parallel;
    }
    function.strict = options.strict.unwrap_or(function.strict);
    function.security_definer = options.security_definer.unwrap_or(function.security_definer);
    function.leakproof = options.leakproof.unwrap_or(function.leakproof);
    if let Some(body) = options.body {
        // Of a function in C it is the name of a symbol.
        function.body = if matches!(function.language.as_str(), "c" | "internal") { String::new() } else { body };
    }
    function.settings.retain(|s| {
        let name = s.split('=').next().unwrap_or_default();
        !options.reset.iter().any(|reset| reset == "all" || reset == name)
    });
    for setting in options.settings {
        let name = setting.split('=').next().unwrap_or_default();
        function.settings.retain(|s| s.split('=').next() != Some(name));
        function.settings.push(setting);
    }
}
