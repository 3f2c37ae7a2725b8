//! The lines that the compilers of 3.6 to 3.8 give to what is inside of f-strings.
//!
//! They parse the expression of a field for itself and look for its text in the first of the strings that are joined
//! (`fstring_fix_node_location` in Python/ast.c). Where it is found, there its lines begin, be it the field or not; where it is not, it
//! begins with the line of that first string: the line of its start in 3.8, of its end before.

use ruff_python_ast::Expr;
use ruff_python_ast::FStringPart;
use ruff_python_ast::InterpolatedStringElement;
use ruff_python_ast::InterpolatedStringElements;
use ruff_python_ast::ModModule;
use ruff_python_ast::visitor;
use ruff_python_ast::visitor::Visitor;
use ruff_text_size::Ranged;
use ruff_text_size::TextRange;
use ruff_text_size::TextSize;

/// The fields of a module's f-strings, in order; inner ones behind those they are in.
#[derive(Debug, Default)]
pub(super) struct FormatLines {
    fields: Vec<Field>,
}

#[derive(Debug)]
struct Field {
    range: TextRange,
    /// By how many lines it is moved down; negative for up.
    moved: i64,
    /// The field that it is in.
    outer: Option<usize>,
}

impl FormatLines {
    /// Those of a module.
    pub(super) fn of(module: &ModModule, text: &str, series: (u8, u8)) -> Self {
        let mut finder = Finder { text, series, moved: 0, found: Self::default() };
        if ((3, 6)..(3, 9)).contains(&series) && memchr::memmem::find(text.as_bytes(), b"{").is_some() {
            finder.visit_body(&module.body);
        }
        finder.found.nest();
        finder.found
    }

    fn nest(&mut self) {
        self.fields.sort_by_key(|field| (field.range.start(), std::cmp::Reverse(field.range.end())));
        let mut open: Vec<(usize, TextRange)> = Vec::new();
        for (index, field) in self.fields.iter_mut().enumerate() {
            while open.pop_if(|(_, range)| !range.contains_range(field.range)).is_some() {}
            field.outer = open.last().map(|&(index, _)| index);
            open.push((index, field.range));
        }
    }

    /// By how many lines what is at an offset is moved down.
    pub(super) fn moved(&self, offset: TextSize) -> i64 {
        let mut index = self.fields.partition_point(|field| field.range.start() <= offset).checked_sub(1);
        while let Some(field) = index.and_then(|index| self.fields.get(index)) {
            if field.range.contains(offset) {
                return field.moved;
            }
            index = field.outer;
        }
        0
    }
}

struct Finder<'t> {
    text: &'t str,
    series: (u8, u8),
    /// By how many lines the expression is moved that is looked at.
    moved: i64,
    found: FormatLines,
}

impl<'a> Visitor<'a> for Finder<'_> {
    fn visit_expr(&mut self, expression: &'a Expr) {
        let Expr::FString(node) = expression else { return visitor::walk_expr(self, expression) };
        let first = node.value.iter().next().map_or(node.range, Ranged::range);
        for part in &node.value {
            if let FStringPart::FString(string) = part {
                self.fields(&string.elements, first);
            }
        }
    }
}

impl Finder<'_> {
    fn fields(&mut self, elements: &InterpolatedStringElements, first: TextRange) {
        for element in elements {
            let InterpolatedStringElement::Interpolation(field) = element else { continue };
            let outer = self.moved;
            self.moved = outer.saturating_add(self.moves(field.range, field.expression.end(), first));
            self.found.fields.push(Field { range: field.range, moved: self.moved, outer: None });
            self.visit_expr(&field.expression);
            self.moved = outer;
            if let Some(specification) = &field.format_spec {
                // What is not in an inner field is text.
                self.fields(&specification.elements, first);
            }
        }
    }

    fn moves(&self, field: TextRange, end: TextSize, first: TextRange) -> i64 {
        let written = |range: TextRange| self.text.get(range.to_std_range()).unwrap_or_default();
        let behind = written(TextRange::new(end, field.end().max(end)));
        let stop = behind.find(['!', ':', '=', '}']).unwrap_or(behind.len());
        let head = written(TextRange::new(field.start(), end));
        let sought = [head, behind.get(..stop).unwrap_or_default(), "}"].concat();
        let string = written(first);
        let place = match string.find(&sought) {
            Some(place) => place,
            None if self.series >= (3, 8) => 0,
            None => string.len(),
        };
        let place = first.start().checked_add(TextSize::try_from(place).unwrap_or_default()).unwrap_or(first.end());
        let lines = |from: TextSize, to: TextSize| {
            let count = memchr::memchr_iter(b'\n', written(TextRange::new(from, to)).as_bytes()).count();
            i64::try_from(count).unwrap_or(i64::MAX)
        };
        if place <= field.start() { lines(place, field.start()).saturating_neg() } else { lines(field.start(), place) }
    }
}
