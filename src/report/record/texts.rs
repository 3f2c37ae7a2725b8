//! Every text of a record in turn: for whoever has to rewrite them all.

use super::ArtifactRecord;
use super::FindingRecord;
use super::Item;
use super::Place;
use super::ProblemRecord;
use super::PycRecord;
use super::RawName;
use super::RunRecord;
use super::SummaryRecord;
use super::SuppressedRecord;
use super::Word;

/// What is done with each text of a record.
pub trait Rewrite {
    /// A text that the evidence or the machine has a part in.
    fn text(&mut self, text: &mut String);

    /// A text that is a path as a whole.
    fn path(&mut self, text: &mut String);

    /// A name, whatever bytes it has.
    fn name(&mut self, name: &mut RawName);

    /// A word, number or digest in the program's own writing, unless somebody changed the record.
    fn word(&mut self, word: &mut String);
}

fn own_word(word: &mut Word, rewrite: &mut dyn Rewrite) {
    // What is borrowed was written by the program.
    if let Word::Owned(text) = word {
        rewrite.word(text);
    }
}

fn maybe(text: &mut Option<String>, with: impl FnOnce(&mut String)) {
    if let Some(text) = text {
        with(text);
    }
}

impl Place {
    /// Rewrites it.
    pub fn rewrite(&mut self, rewrite: &mut dyn Rewrite) {
        rewrite.name(&mut self.artifact);
        for name in &mut self.member {
            rewrite.name(name);
        }
    }
}

impl RunRecord {
    /// Rewrites its texts.
    pub fn rewrite(&mut self, rewrite: &mut dyn Rewrite) {
        let Self { format: _, version, arguments, options, paths, started, redacted: _, merged } = self;
        rewrite.word(version);
        for text in arguments.iter_mut().chain(paths) {
            rewrite.path(text);
        }
        for (name, value) in options {
            rewrite.word(name);
            rewrite.path(value);
        }
        maybe(started, |text| rewrite.word(text));
        for run in merged {
            run.rewrite(rewrite);
        }
    }
}

impl Item {
    /// Rewrites its texts.
    pub fn rewrite(&mut self, rewrite: &mut dyn Rewrite) {
        let (findings, suppressed, problems) = match self {
            Self::Pyc(item) => {
                item.pyc.rewrite(rewrite);
                (&mut item.findings, &mut item.suppressed, &mut item.problems)
            }
            Self::Artifact(item) => {
                item.artifact.rewrite(rewrite);
                (&mut item.findings, &mut item.suppressed, &mut item.problems)
            }
        };
        for SuppressedRecord { finding, by, reason } in suppressed {
            finding.rewrite(rewrite);
            own_word(by, rewrite);
            rewrite.path(reason);
        }
        for finding in findings {
            finding.rewrite(rewrite);
        }
        for problem in problems {
            problem.rewrite(rewrite);
        }
    }
}

impl PycRecord {
    fn rewrite(&mut self, rewrite: &mut dyn Rewrite) {
        // Named one by one, so that a new field is not forgotten here.
        let Self {
            place,
            sha256: _,
            payload_sha256: _,
            size: _,
            magic: _,
            magic_bytes,
            python,
            header,
            head,
            header_size: _,
            flags: _,
            mtime,
            mtime_seconds: _,
            source_size: _,
            source_hash,
            archived_at,
            own_time,
            own_time_seconds: _,
            module,
            cache_tag,
            optimization,
            load,
            load_reason,
            source,
            source_found,
            source_file_size: _,
            source_file_time,
            source_candidates,
            header_match,
            code_match,
            strength,
            code_level: _,
            code_reason,
            code_detail,
            code_differences,
            code_passages,
            exact,
            code_digest,
            code_objects: _,
            build_path,
            trailing_bytes: _,
            max_severity: _,
            findings,
            suppressed,
            problems: _,
        } = self;
        place.rewrite(rewrite);
        for text in [magic_bytes, mtime, source_hash, archived_at, own_time, source_file_time, code_digest] {
            maybe(text, |text| rewrite.word(text));
        }
        rewrite.word(python);
        rewrite.word(head);
        for word in [header, load, header_match, code_match] {
            own_word(word, rewrite);
        }
        for word in [source_found, strength, code_reason].into_iter().flatten().chain(findings).chain(suppressed) {
            own_word(word, rewrite);
        }
        rewrite.text(module);
        rewrite.name(cache_tag);
        rewrite.name(optimization);
        rewrite.text(load_reason);
        for place in source.iter_mut().chain(source_candidates) {
            place.rewrite(rewrite);
        }
        maybe(code_detail, |text| rewrite.text(text));
        maybe(build_path, |text| rewrite.path(text));
        for passage in code_passages {
            rewrite.name(&mut passage.code);
            for line in &mut passage.lines {
                rewrite.text(&mut line.text);
                for instruction in &mut line.instructions {
                    rewrite.text(&mut instruction.text);
                }
            }
        }
        if let Some(exact) = exact {
            rewrite.path(&mut exact.interpreter);
            own_word(&mut exact.outcome, rewrite);
            rewrite.text(&mut exact.detail);
        }
        for difference in code_differences {
            rewrite.name(&mut difference.code);
            rewrite.text(&mut difference.text);
            rewrite.text(&mut difference.expected);
            rewrite.text(&mut difference.found);
        }
    }
}

impl FindingRecord {
    fn rewrite(&mut self, rewrite: &mut dyn Rewrite) {
        let Self { rule, name, severity: _, place, message, offset: _, line: _, expected, observed, fingerprint } =
            self;
        own_word(rule, rewrite);
        own_word(name, rewrite);
        place.rewrite(rewrite);
        for text in [message, expected, observed] {
            rewrite.text(text);
        }
        rewrite.word(fingerprint);
    }
}

impl ProblemRecord {
    fn rewrite(&mut self, rewrite: &mut dyn Rewrite) {
        let Self { place, kind, message, offset: _ } = self;
        place.rewrite(rewrite);
        own_word(kind, rewrite);
        rewrite.text(message);
    }
}

impl ArtifactRecord {
    fn rewrite(&mut self, rewrite: &mut dyn Rewrite) {
        let Self { place, kind, sha256: _, size: _, pycs: _, ledger: _, findings, suppressed, problems: _ } = self;
        place.rewrite(rewrite);
        for word in kind.iter_mut().chain(findings).chain(suppressed) {
            own_word(word, rewrite);
        }
    }
}

impl SummaryRecord {
    /// Rewrites its texts.
    pub fn rewrite(&mut self, rewrite: &mut dyn Rewrite) {
        for counts in [
            &mut self.ledger,
            &mut self.loads,
            &mut self.header_matches,
            &mut self.code_matches,
            &mut self.code_reasons,
            &mut self.severities,
            &mut self.rules,
            &mut self.suppressed,
        ] {
            let old = std::mem::take(counts);
            counts.extend(old.into_iter().map(|(mut word, count)| {
                own_word(&mut word, rewrite);
                (word, count)
            }));
        }
        let old = std::mem::take(&mut self.pythons);
        self.pythons.extend(old.into_iter().map(|(mut python, count)| {
            rewrite.word(&mut python);
            (python, count)
        }));
        for source in &mut self.suppressions {
            own_word(&mut source.by, rewrite);
            rewrite.path(&mut source.file);
            for unused in &mut source.unused {
                rewrite.word(&mut unused.rule);
                rewrite.path(&mut unused.place);
                rewrite.word(&mut unused.fingerprint);
            }
        }
        maybe(&mut self.ended, |text| rewrite.word(text));
    }
}
