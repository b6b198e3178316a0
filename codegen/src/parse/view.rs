//! Views and materialised views.

use sqlparser::tokenizer::Token;

use super::change::{Change, CreateView};
use super::cursor::{Cursor, Parse};

/// What stood between CREATE and VIEW.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ViewModifiers {
    pub(crate) materialized: bool,
    pub(crate) temporary: bool,
    pub(crate) or_replace: bool,
    pub(crate) recursive: bool,
}

impl Cursor<'_> {
    /// After `CREATE [modifiers] VIEW`.
    pub(crate) fn create_view(&mut self, modifiers: ViewModifiers) -> Parse<Change> {
        let mut view = CreateView {
            materialized: modifiers.materialized,
            temporary: modifiers.temporary,
            or_replace: modifiers.or_replace,
            if_not_exists: self.eat_kws(&["IF", "NOT", "EXISTS"]),
            name: self.name()?,
            ..CreateView::default()
        };
        if self.is(&Token::LParen) {
            view.columns = self.ident_list()?;
        }
        loop {
            if self.is_kw("USING") || self.is_kw("TABLESPACE") {
                self.advance();
                self.ident()?;
            } else if self.eat_kw("WITH") {
                view.options.extend(self.options()?);
            } else {
                break;
            }
        }
        self.expect_kw("AS")?;
        let query = self.query_tokens(&mut view);
        if query.is_empty() {
            return self.expected("a query");
        }
        view.query = self.text(query).to_owned();
        if modifiers.recursive {
            let columns = view.columns.join(", ");
            let name = &view.name.name;
            view.query = format!("WITH RECURSIVE {name}({columns}) AS ({}) SELECT {columns} FROM {name}", view.query);
        }
        self.finish()?;
        Ok(Change::CreateView(Box::new(view)))
    }

    /// The query, without `WITH [NO] DATA` or `WITH CHECK OPTION` behind it.
    fn query_tokens(&mut self, view: &mut CreateView) -> std::ops::Range<usize> {
        let is_tail = |c: &Self, words: &[&str]| {
            words.iter().enumerate().all(|(n, w)| c.is_kw_at(n, w)) && c.peek_at(words.len()).is_none()
        };
        let tails: [(&[&str], Option<&str>); 5] = [
            (&["WITH", "DATA"], None),
            (&["WITH", "NO", "DATA"], None),
            (&["WITH", "CHECK", "OPTION"], Some("check_option=cascaded")),
            (&["WITH", "CASCADED", "CHECK", "OPTION"], Some("check_option=cascaded")),
            (&["WITH", "LOCAL", "CHECK", "OPTION"], Some("check_option=local")),
        ];
        let range = self.until(|c| c.is_kw("WITH") && tails.iter().any(|(words, _)| is_tail(c, words)));
        if let Some((words, option)) = tails.iter().find(|(words, _)| is_tail(self, words)) {
            self.seek(self.index() + words.len());
            view.options.extend(option.map(str::to_owned));
        }
        range
    }
}
