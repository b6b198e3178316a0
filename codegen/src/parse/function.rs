//! Functions, procedures and aggregates.

use canon_core::schema::{FunctionKind, quote_ident};
use sqlparser::tokenizer::Token;

use super::change::{ArgumentDef, Change, CreateFunction, FunctionOptions, ObjectClass};
use super::cursor::{Cursor, Parse};
use super::names::TypeName;

/// Settings whose values are lists of names.
const LISTS_OF_NAMES: &[&str] =
    &["search_path", "temp_tablespaces", "local_preload_libraries", "session_preload_libraries"];

impl Cursor<'_> {
    /// After `CREATE [OR REPLACE] FUNCTION | PROCEDURE`.
    pub(crate) fn create_function(&mut self, kind: FunctionKind, or_replace: bool) -> Parse<Change> {
        let mut function = CreateFunction { name: self.name()?, kind, or_replace, ..CreateFunction::default() };
        function.arguments = self.arguments()?;
        if self.eat_kw("RETURNS") {
            if self.eat_kw("TABLE") {
                self.expect(&Token::LParen)?;
                let columns = self.comma_separated(|c| {
                    let name = Some(c.ident()?);
                    Ok(ArgumentDef { mode: "table".to_owned(), name, ty: c.type_name()?, default: None })
                })?;
                self.expect(&Token::RParen)?;
                function.returns = Some(TypeName { setof: true, ..table_result(&columns) });
                function.arguments.extend(columns);
            } else {
                function.returns = Some(self.type_name()?);
            }
        }
        self.function_options(&mut function.options)?;
        self.finish()?;
        if function.options.window {
            function.kind = FunctionKind::Window;
        }
        Ok(Change::CreateFunction(Box::new(function)))
    }

    fn arguments(&mut self) -> Parse<Vec<ArgumentDef>> {
        self.expect(&Token::LParen)?;
        if self.eat(&Token::RParen) {
            return Ok(Vec::new());
        }
        let arguments = self.comma_separated(Self::argument)?;
        self.expect(&Token::RParen)?;
        Ok(arguments)
    }

    pub(crate) fn argument(&mut self) -> Parse<ArgumentDef> {
        let mut mode = self.argument_mode();
        // The mode may also stand after the name.
        let name_first = self.is_ident() && self.is_argument_name();
        let name = if name_first { Some(self.ident()?) } else { None };
        if mode.is_none() && name.is_some() {
            mode = self.argument_mode();
        }
        let ty = self.type_name()?;
        let default = if self.eat_kw("DEFAULT") || self.eat(&Token::Eq) || self.eat(&Token::Assignment) {
            let range = self.until(|c| c.is(&Token::Comma));
            Some(self.clean_text(range))
        } else {
            None
        };
        Ok(ArgumentDef { mode: mode.unwrap_or("in").to_owned(), name, ty, default })
    }

    fn argument_mode(&mut self) -> Option<&'static str> {
        const MODES: &[(&[&str], &str)] = &[
            (&["IN", "OUT"], "inout"),
            (&["INOUT"], "inout"),
            (&["IN"], "in"),
            (&["OUT"], "out"),
            (&["VARIADIC"], "variadic"),
        ];
        MODES.iter().find(|(words, _)| self.eat_kws(words)).map(|(_, mode)| *mode)
    }

    /// `a int` has a name, `int` and `double precision` and `s.t` have none.
    fn is_argument_name(&self) -> bool {
        let ends = |token: Option<&Token>| {
            matches!(
                token,
                None | Some(Token::Comma | Token::RParen | Token::LParen | Token::Period | Token::LBracket | Token::Eq)
                    | Some(Token::Assignment | Token::Mod)
            )
        };
        // Of an ordered-set aggregate: float8 ORDER BY anyelement.
        let ordered = self.is_kw_at(1, "ORDER") && self.is_kw_at(2, "BY");
        if ends(self.peek_at(1)) || ordered || self.is_kw_at(1, "DEFAULT") || self.is_kw_at(1, "ARRAY") {
            return false;
        }
        let two_words = [
            ("DOUBLE", "PRECISION"),
            ("CHARACTER", "VARYING"),
            ("CHAR", "VARYING"),
            ("BIT", "VARYING"),
            ("NATIONAL", "CHARACTER"),
            ("NATIONAL", "CHAR"),
            ("TIMESTAMP", "WITH"),
            ("TIMESTAMP", "WITHOUT"),
            ("TIME", "WITH"),
            ("TIME", "WITHOUT"),
        ];
        let is_interval_field = self.is_kw("INTERVAL")
            && ["YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"].iter().any(|f| self.is_kw_at(1, f));
        !is_interval_field && !two_words.iter().any(|(a, b)| self.is_kw(a) && self.is_kw_at(1, b))
    }

    /// Options of CREATE and ALTER FUNCTION, in any order.
    fn function_options(&mut self, options: &mut FunctionOptions) -> Parse<()> {
        while !self.at_end() {
            let Some(word) = self.peek_word() else { return self.expected("an option of the function") };
            self.advance();
            match word.as_str() {
                "LANGUAGE" => {
                    let language = if self.is_string() { self.string()? } else { self.ident()? };
                    options.language = Some(language.to_ascii_lowercase());
                }
                "IMMUTABLE" => options.volatility = Some("immutable"),
                "STABLE" => options.volatility = Some("stable"),
                "VOLATILE" => options.volatility = Some("volatile"),
                "STRICT" => options.strict = Some(true),
                "RETURNS" => {
                    self.expect_kw("NULL")?;
                    self.input_clause("ON")?;
                    options.strict = Some(true);
                }
                "CALLED" => {
                    self.input_clause("ON")?;
                    options.strict = Some(false);
                }
                "LEAKPROOF" => options.leakproof = Some(true),
                "NOT" => {
                    self.expect_kw("LEAKPROOF")?;
                    options.leakproof = Some(false);
                }
                "EXTERNAL" => {}
                "SECURITY" => {
                    let definer = self.eat_kw("DEFINER");
                    if !definer {
                        self.expect_kw("INVOKER")?;
                    }
                    options.security_definer = Some(definer);
                }
                "PARALLEL" => options.parallel = Some(self.ident()?),
                "WINDOW" => options.window = true,
                "COST" | "ROWS" | "SUPPORT" => self.advance(),
                "TRANSFORM" => {
                    self.until(|c| c.is_kw("LANGUAGE") || c.is_kw("AS"));
                }
                "SET" => {
                    let setting = self.setting()?;
                    options.settings.push(setting);
                }
                "RESET" => {
                    let mut name = self.ident()?;
                    while self.eat(&Token::Period) {
                        name = format!("{name}.{}", self.ident()?);
                    }
                    options.reset.push(name.to_ascii_lowercase());
                }
                "AS" => options.body = Some(self.function_body()?),
                "BEGIN" | "RETURN" => {
                    self.rest();
                    options.language.get_or_insert_with(|| "sql".to_owned());
                }
                _ => {
                    self.seek(self.index() - 1);
                    return self.expected("an option of the function");
                }
            }
        }
        Ok(())
    }

    fn input_clause(&mut self, first: &str) -> Parse<()> {
        self.expect_kw(first)?;
        self.expect_kw("NULL")?;
        self.expect_kw("INPUT")
    }

    /// `SET name TO value` and its kin, as `name=value`.
    fn setting(&mut self) -> Parse<String> {
        let mut name = self.ident()?;
        while self.eat(&Token::Period) {
            name = format!("{name}.{}", self.ident()?);
        }
        // The server's own spelling.
        for known in ["TimeZone", "DateStyle", "IntervalStyle"] {
            if name.eq_ignore_ascii_case(known) {
                known.clone_into(&mut name);
            }
        }
        if self.eat_kws(&["FROM", "CURRENT"]) {
            return Ok(format!("{name}=current"));
        }
        if !(self.eat_kw("TO") || self.eat(&Token::Eq)) {
            return self.expected("`TO` or `=`");
        }
        let values = self.comma_separated(|c| {
            // Lists of names are kept quoted: search_path = '' is `""`.
            if LISTS_OF_NAMES.contains(&name.as_str()) && (c.is_string() || c.is_ident()) {
                let value = if c.is_string() { c.string()? } else { c.ident()? };
                return Ok(quote_ident(&value));
            }
            if c.is_string() {
                return c.string();
            }
            let quoted = matches!(c.peek(), Some(Token::Word(w)) if w.quote_style.is_some());
            let start = c.index();
            if c.is_ident() && !quoted {
                return c.ident();
            }
            c.eat(&Token::Minus);
            c.advance();
            Ok(c.text(start..c.index()).to_owned())
        })?;
        Ok(format!("{name}={}", values.join(", ")))
    }

    fn function_body(&mut self) -> Parse<String> {
        let body = self.string()?;
        if self.eat(&Token::Comma) {
            // C functions: the library, then the symbol.
            self.string()?;
            return Ok(String::new());
        }
        Ok(body)
    }

    /// After `CREATE [OR REPLACE] AGGREGATE`.
    pub(crate) fn create_aggregate(&mut self, or_replace: bool) -> Parse<Change> {
        let name = self.name()?;
        let start = self.index();
        let mut inside = self.parens()?;
        // The old form has no argument list: CREATE AGGREGATE name (BASETYPE = t, SFUNC = f).
        let has_arguments = self.is(&Token::LParen);
        let mut arguments = Vec::new();
        if has_arguments {
            let end = self.index();
            self.seek(start);
            arguments = self.aggregate_arguments()?;
            self.seek(end);
            inside = self.parens()?;
        }
        self.rest();
        self.seek(inside.start);
        self.until(|c| c.index() >= inside.end || c.is_kw("PARALLEL"));
        let parallel = if self.eat_kw("PARALLEL") && self.eat(&Token::Eq) { Some(self.ident()?) } else { None };
        self.rest();
        let function = CreateFunction {
            name,
            kind: FunctionKind::Aggregate,
            or_replace,
            arguments,
            options: FunctionOptions {
                language: Some("internal".to_owned()),
                volatility: Some("immutable"),
                parallel,
                ..FunctionOptions::default()
            },
            ..CreateFunction::default()
        };
        Ok(Change::CreateFunction(Box::new(function)))
    }

    fn aggregate_arguments(&mut self) -> Parse<Vec<ArgumentDef>> {
        self.expect(&Token::LParen)?;
        if self.eat(&Token::Mul) || self.is(&Token::RParen) {
            return Ok(Vec::new());
        }
        let mut arguments = Vec::new();
        if !self.is_kw("ORDER") {
            arguments = self.comma_separated(Self::argument)?;
        }
        if self.eat_kws(&["ORDER", "BY"]) {
            arguments.extend(self.comma_separated(Self::argument)?);
        }
        Ok(arguments)
    }

    /// After `ALTER FUNCTION | PROCEDURE | ROUTINE | AGGREGATE`.
    pub(crate) fn alter_function(&mut self, kind: ObjectClass) -> Parse<Change> {
        let target = self.drop_target(kind)?;
        if let Some(change) = self.rename_or_move_target(kind, target.clone())? {
            return Ok(change);
        }
        if self.is_kw("NO") || self.is_kw("DEPENDS") {
            self.rest();
            return Ok(Change::AlterFunction {
                name: target.name,
                arguments: target.arguments,
                options: FunctionOptions::default(),
            });
        }
        let mut options = FunctionOptions::default();
        self.function_options(&mut options)?;
        self.finish()?;
        Ok(Change::AlterFunction { name: target.name, arguments: target.arguments, options })
    }
}

/// `RETURNS TABLE` of one column returns a set of that type, of several a set of records.
fn table_result(columns: &[ArgumentDef]) -> TypeName {
    match columns {
        [only] => only.ty.clone(),
        _ => TypeName {
            name: super::names::Name { schema: None, name: "record".to_owned() },
            builtin: true,
            ..TypeName::default()
        },
    }
}
