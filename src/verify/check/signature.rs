//! What the header of a code object says: names, arguments, variables, flags, first line, and the docstring that no instruction touches.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::name::Name;
use crate::pyc::Code;
use crate::pyc::Value;
use crate::pyc::code::CO_OPTIMIZED;
use crate::pyc::code::KIND_CELL;
use crate::pyc::code::KIND_FREE;
use crate::pyc::code::KIND_HIDDEN;
use crate::pyc::code::KIND_LOCAL;
use crate::verify::Pool;
use crate::verify::constant::ConstId;
use crate::verify::scope::HAS_DOCSTRING;
use crate::verify::scope::Role;
use crate::verify::scope::Scope;

use super::Check;
use super::CodeDifference;
use super::DifferenceKind;
use super::MAX_LINE;
use super::line_shown;
use super::shown;
use super::text_of;

impl Check<'_, '_> {
    /// The docstring of a function, which no instruction touches. Up to 3.13 it is the first constant, if that is text; later a flag says
    /// that it is.
    pub(super) fn docstring(&mut self, code: Code<'_>, scope: &Scope, ours: u32) {
        let expected = self.expected.function_docstring(ours, &mut self.pool);
        let has_docstring = self.series < (3, 14) || scope.flags & HAS_DOCSTRING != 0;
        let first = code.consts().iter().next().filter(|value| has_docstring && is_text(*value, self.series));
        let found = first.and_then(|_| self.pool.constants.read(code.consts(), 0, self.series));
        if found != expected {
            let [expected, found] = [expected, found].map(|docstring| docstring_shown(docstring, &self.pool));
            self.differ(code, self.first_line(scope), None, expected, found);
        }
    }

    pub(super) fn signature(&mut self, code: Code<'_>, scope: &Scope) {
        let first = self.first_line(scope);
        let mut differ = |what: &str, expected: String, found: String| {
            self.differences.push(CodeDifference {
                code: shown(code),
                index: Some(code.index()),
                kind: DifferenceKind::Other,
                line: first,
                text: first.map(|line| line_shown(self.text, line)).unwrap_or_default(),
                offset: None,
                expected: format!("{what} {expected}"),
                found: format!("{what} {found}"),
            });
        };
        let text = |bytes: &[u8]| Name::new(bytes).to_string();
        let mut check_text = |what: &str, expected: &[u8], found: &[u8]| {
            if expected != found {
                differ(what, text(expected), text(found));
            }
        };
        check_text("name", scope.name.as_bytes(), &text_of(code.name()));
        let is_annotation = matches!(
            scope.role,
            Role::Annotations | Role::TypeParameters | Role::TypeBound | Role::TypeDefault | Role::Alias
        );
        if let Some(qualname) = code.qualname().filter(|_| !is_annotation) {
            check_text("qualified name", scope.qualname.as_bytes(), &qualname.to_bytes());
        }
        // Code that was put in above moves all that follows, which is one difference and not as many as there are functions.
        if let Some(line) = first.filter(|_| !self.is_by_name) {
            let found = code.firstlineno();
            if found.map(i64::from) != Some(i64::from(line)) {
                differ("first line", line.to_string(), found.map_or_else(String::new, |line| line.to_string()));
            }
        }
        let flags = u32::from_ne_bytes(code.flags().to_ne_bytes());
        let (expected, found) = (scope.flags & scope.flags_mask, flags & scope.flags_mask);
        if expected != found {
            differ("flags", format!("{expected:#x}"), format!("{found:#x}"));
        }
        let mut check_count = |what: &str, expected: usize, found: i32| {
            if i32::try_from(expected) != Ok(found) {
                differ(what, expected.to_string(), found.to_string());
            }
        };
        let parameters = &scope.parameters;
        let positional = parameters.positional_only.len().saturating_add(parameters.ordinary.len());
        check_count("positional arguments", positional, code.argcount());
        if self.series >= (3, 8) {
            check_count("positional-only arguments", parameters.positional_only.len(), code.posonlyargcount());
        }
        if self.series >= (3, 0) {
            check_count("keyword-only arguments", parameters.keyword_only.len(), code.kwonlyargcount());
        }
        // Only modules and classes hide variables of their comprehensions.
        let is_hidden = |kind: &&u8| **kind & KIND_HIDDEN != 0 && code.flags() & CO_OPTIMIZED != 0;
        let hidden = code.localspluskinds().iter().filter(is_hidden).count();
        check_count("hidden variables", 0, i32::try_from(hidden).unwrap_or(i32::MAX));
        let list = |names: &[&[u8]]| names.iter().map(|name| text(name)).collect::<Vec<_>>().join(", ");
        let mut check_names = |what: &str, expected: &[&[u8]], found: &[&[u8]]| {
            if expected != found {
                differ(what, list(expected), list(found));
            }
        };
        let count = parameters.iter().count();
        if !variables(code, KIND_LOCAL).take(count).eq(parameters.iter().map(str::as_bytes)) {
            let ours: Vec<&[u8]> = parameters.iter().map(str::as_bytes).collect();
            let theirs: Vec<Cow<'_, [u8]>> = variables(code, KIND_LOCAL).take(count).collect();
            check_names("arguments", &ours, &theirs.iter().map(|name| &**name).collect::<Vec<_>>());
        }
        for (what, ours, kind) in
            [("cell variables", &scope.cells, KIND_CELL), ("free variables", &scope.frees, KIND_FREE)]
        {
            if ours.is_empty() && variables(code, kind).next().is_none() {
                continue;
            }
            let mut ours: SmallVec<[&[u8]; 8]> = ours.iter().map(|name| name.as_bytes()).collect();
            let theirs: SmallVec<[Cow<'_, [u8]>; 8]> = variables(code, kind).collect();
            let mut theirs: SmallVec<[&[u8]; 8]> = theirs.iter().map(|name| &**name).collect();
            ours.sort_unstable();
            theirs.sort_unstable();
            check_names(what, &ours, &theirs);
        }
    }
}

/// Whether a constant is text of any kind: what a docstring can be.
fn is_text(value: Value<'_>, series: (u8, u8)) -> bool {
    match value {
        Value::Text(_) => true,
        Value::Bytes(_) => series.0 == 2,
        _ => false,
    }
}

/// A docstring for evidence.
fn docstring_shown(docstring: Option<ConstId>, pool: &Pool) -> String {
    docstring.map_or_else(
        || "no docstring".to_owned(),
        |docstring| format!("the docstring {}", pool.constants.show(docstring, &pool.names, MAX_LINE)),
    )
}

/// The variables of a found code object that are of a kind.
fn variables(code: Code<'_>, kind: u8) -> impl Iterator<Item = Cow<'_, [u8]>> {
    let (all, kinds) = (code.localsplusnames(), code.localspluskinds());
    let (items, kinds) = match kind {
        _ if !all.is_empty() => (all, Some(kinds)),
        KIND_LOCAL => (code.varnames(), None),
        KIND_CELL => (code.cellvars(), None),
        _ => (code.freevars(), None),
    };
    let is_of_kind =
        move |place: usize| kinds.is_none_or(|kinds| kinds.get(place).is_some_and(|other| *other & kind != 0));
    let of_kind = (0..items.len()).filter(move |&place| is_of_kind(place));
    of_kind.filter_map(move |place| items.get(place)).map(|value| text_of(value.as_name()))
}
