//! The pages of rules as HTML: the part of Markdown that they use, and nothing more.
//!
//! Headings, paragraphs, lists, fenced code, code spans, strong and emphasised text. Links become their text and their address.
//! Everything is escaped first, so that no page can bring markup of its own.

/// The HTML of a page, given as the lines of a doc comment.
pub(super) fn html(lines: &[&str]) -> String {
    let mut page = Page::default();
    for line in lines {
        page.line(line.strip_prefix(' ').unwrap_or(line).trim_end());
    }
    page.close();
    page.html
}

/// A message as HTML: what stands between backticks is code, all else is text. Backticks without a partner stay.
pub(super) fn message(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    let mut html = String::with_capacity(text.len());
    for (index, part) in parts.iter().enumerate() {
        let is_code = index % 2 == 1 && index + 1 < parts.len();
        html.push_str(match (is_code, index % 2) {
            (true, _) => "<code>",
            (false, 1) => "`",
            (false, _) => "",
        });
        part.chars().for_each(|character| escape(character, &mut html));
        if is_code {
            html.push_str("</code>");
        }
    }
    html
}

/// A path as HTML that breaks behind a slash first: browsers do not break there by themselves, and then anywhere.
pub(super) fn path(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    let mut inside = false;
    for character in text.chars() {
        if inside && character != '/' && html.ends_with('/') {
            html.push_str("<wbr>");
        }
        escape(character, &mut html);
        inside |= character != '/';
    }
    html
}

/// What is open while lines come in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Block {
    /// Nothing.
    #[default]
    None,
    /// A paragraph.
    Paragraph,
    /// A list with bullets.
    Bullets,
    /// A list with numbers.
    Numbers,
    /// Fenced code.
    Code,
}

#[derive(Default)]
struct Page {
    html: String,
    block: Block,
    /// The text of the paragraph or list item that is being gathered.
    text: String,
}

impl Page {
    fn line(&mut self, line: &str) {
        if line.trim_start().starts_with("```") {
            if self.block == Block::Code {
                self.close();
            } else {
                self.close();
                self.block = Block::Code;
            }
            return;
        }
        if self.block == Block::Code {
            self.text.push_str(line);
            self.text.push('\n');
            return;
        }
        if line.trim().is_empty() {
            self.close();
            return;
        }
        if let Some(heading) = line.strip_prefix('#') {
            self.close();
            self.html.push_str("<h4>");
            inline(heading.trim_start_matches('#').trim(), &mut self.html);
            self.html.push_str("</h4>");
            return;
        }
        if let Some((block, item)) = list_item(line) {
            if self.block == block {
                self.end_item();
            } else {
                self.close();
                self.block = block;
                self.html.push_str(if block == Block::Bullets { "<ul>" } else { "<ol>" });
            }
            self.text.push_str(item);
            return;
        }
        if self.block == Block::None {
            self.block = Block::Paragraph;
        }
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(line.trim());
    }

    fn end_item(&mut self) {
        self.html.push_str("<li>");
        inline(&self.text, &mut self.html);
        self.html.push_str("</li>");
        self.text.clear();
    }

    fn close(&mut self) {
        match self.block {
            Block::None => {}
            Block::Paragraph => {
                self.html.push_str("<p>");
                inline(&self.text, &mut self.html);
                self.html.push_str("</p>");
            }
            Block::Bullets | Block::Numbers => {
                self.end_item();
                self.html.push_str(if self.block == Block::Bullets { "</ul>" } else { "</ol>" });
            }
            Block::Code => {
                self.html.push_str("<pre><code>");
                self.text.chars().for_each(|character| escape(character, &mut self.html));
                self.html.push_str("</code></pre>");
            }
        }
        self.text.clear();
        self.block = Block::None;
    }
}

/// The kind of list and the text of the item that a line begins.
fn list_item(line: &str) -> Option<(Block, &str)> {
    let line = line.trim_start();
    if let Some(item) = line.strip_prefix("- ").or_else(|| line.strip_prefix("* ")) {
        return Some((Block::Bullets, item.trim()));
    }
    let (number, item) = line.split_once(". ")?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some((Block::Numbers, item.trim()))
}

/// Code spans, strong and emphasised text, links.
fn inline(text: &str, html: &mut String) {
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        if let Some((inner, after)) = span(rest, "`", "`") {
            html.push_str("<code>");
            inner.chars().for_each(|character| escape(character, html));
            html.push_str("</code>");
            rest = after;
        } else if let Some((inner, after)) = span(rest, "**", "**") {
            html.push_str("<strong>");
            inline(inner, html);
            html.push_str("</strong>");
            rest = after;
        } else if let Some((inner, after)) = span(rest, "*", "*") {
            html.push_str("<em>");
            inline(inner, html);
            html.push_str("</em>");
            rest = after;
        } else if let Some((name, after)) = span(rest, "[", "](")
            && let Some((address, after)) = after.split_once(')')
        {
            inline(name, html);
            html.push_str(" (");
            address.chars().for_each(|character| escape(character, html));
            html.push(')');
            rest = after;
        } else {
            escape(character, html);
            rest = &rest[character.len_utf8()..];
        }
    }
}

/// What stands between two marks at the start of the text, and what follows; no blank may follow the first mark.
fn span<'a>(text: &'a str, open: &str, close: &str) -> Option<(&'a str, &'a str)> {
    let (inner, after) = text.strip_prefix(open)?.split_once(close)?;
    (!inner.is_empty() && !inner.starts_with(' ')).then_some((inner, after))
}

fn escape(character: char, html: &mut String) {
    match character {
        '<' => html.push_str("&lt;"),
        '>' => html.push_str("&gt;"),
        '&' => html.push_str("&amp;"),
        '"' => html.push_str("&quot;"),
        _ => html.push(character),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_its_names_as_code_and_no_markup_of_its_own() {
        assert_eq!(message("`a<b>` is *old*"), "<code>a&lt;b&gt;</code> is *old*");
        assert_eq!(message("a ` b"), "a ` b");
        assert_eq!(message("`a` and ` b"), "<code>a</code> and ` b");
    }

    #[test]
    fn a_path_may_break_behind_its_slashes_and_has_no_markup_of_its_own() {
        assert_eq!(path("/home/a//b.pyc"), "/home/<wbr>a//<wbr>b.pyc");
        assert_eq!(path("a/<wbr>"), "a/<wbr>&lt;wbr&gt;");
    }

    #[test]
    fn a_rule_page_becomes_headings_paragraphs_and_lists() {
        let page = [
            " ## What it reports",
            " A `.pyc` of",
            " one line.",
            "",
            " - first",
            "   goes on",
            " - second",
            " ## Then",
            " 1. one",
            " 2. two",
        ];
        assert_eq!(
            html(&page),
            "<h4>What it reports</h4><p>A <code>.pyc</code> of one line.</p><ul><li>first goes on</li><li>second</li></ul>\
             <h4>Then</h4><ol><li>one</li><li>two</li></ol>"
        );
    }

    #[test]
    fn markup_in_a_page_stays_text() {
        assert_eq!(html(&["<b>&amp; \"x\""]), "<p>&lt;b&gt;&amp;amp; &quot;x&quot;</p>");
        assert_eq!(html(&["`<script>`"]), "<p><code>&lt;script&gt;</code></p>");
    }

    #[test]
    fn fenced_code_keeps_its_lines() {
        assert_eq!(
            html(&[" ```python", " x = 1 < 2", "   y", " ```", " after"]),
            "<pre><code>x = 1 &lt; 2\n  y\n</code></pre><p>after</p>"
        );
    }

    #[test]
    fn marks_without_an_end_stay_as_they_are() {
        assert_eq!(html(&["2 * 3 and `open"]), "<p>2 * 3 and `open</p>");
        assert_eq!(
            html(&["**strong** *em* [PEP 552](https://peps.python.org/pep-0552/)"]),
            "<p><strong>strong</strong> <em>em</em> PEP 552 (https://peps.python.org/pep-0552/)</p>"
        );
    }
}
