//! Files that are compressed as a whole: gzip, bzip2, xz, lzma, zstd.
//!
//! A compressed archive of records is that archive: `p.tar.gz` is one container, not two. Anything else that is looked for
//! (bytecode, a source, another archive) is the one member of a container, under the name that unpacking would give it. What is
//! none of that by its first bytes is no container: the `.gz` of a data set is not decoded to its end.

use crate::container::Container;
use crate::container::Input;
use crate::container::Kind;
use crate::container::MemberKind;
use crate::container::codec::Codec;
use crate::container::codec::Decoder;
use crate::container::cpio;
use crate::container::flow::Flow;
use crate::container::flow::Stream;
use crate::container::format;
use crate::container::format::HEAD;
use crate::container::format::Probe;
use crate::container::sequence;
use crate::container::sequence::Record;
use crate::container::sequence::Sequence;
use crate::container::sequence::Survey;
use crate::container::tar;
use crate::limits::Limits;
use crate::name;
use crate::problem::Problem;
use crate::problem::ProblemKind;

/// Opens a compressed file.
pub(crate) fn open(input: Input, name: &[u8], limits: &Limits) -> Option<Result<Box<dyn Container>, Problem>> {
    let start = match input.bytes_at(0, 16) {
        Ok(start) => start,
        Err(error) => return Some(Err(Problem::new(ProblemKind::Unreadable).with_detail(error.to_string()))),
    };
    let codec = Codec::of(&start)?;
    let mut flow = Flow::Stream(Box::new(Stream::new(Decoder::new(&input, codec, limits))));
    let head = flow.peek(HEAD).unwrap_or_default().to_vec();
    let inner = inner_name(name, codec);
    let probe = Probe { name: &inner, head: &head, tail: &[] };
    if tar::sniff(&probe) {
        return Some(Ok(tar::unpack(input, codec, name, limits)));
    }
    if cpio::sniff(&probe) {
        return Some(Ok(cpio::unpack(input, codec, name, limits)));
    }
    if let Flow::Stream(stream) = &flow
        && let Some(problem) = stream.decoder().problem()
        && head.is_empty()
    {
        return Some(Err(problem.clone()));
    }
    if !sequence::is_worth_keeping(&probe) && !format::is_package_name(&inner) {
        return None;
    }
    Some(Ok(Box::new(Sequence::unpack(input, codec, &inner, &one, Kind::Compressed, limits))))
}

/// The name that unpacking gives: without the ending of the stream.
fn inner_name(name: &[u8], codec: Codec) -> Vec<u8> {
    let file = name::split_last(name).1;
    let lower = file.to_ascii_lowercase();
    let short: [(&[u8], &[u8]); 5] =
        [(b".tgz", b".tar"), (b".tbz2", b".tar"), (b".txz", b".tar"), (b".tlz", b".tar"), (b".tzst", b".tar")];
    let cut = |ending: &[u8]| {
        let rest = lower.strip_suffix(ending).filter(|rest| !rest.is_empty())?;
        file.get(..rest.len())
    };
    if let Some(rest) = codec.endings().iter().find_map(|ending| cut(ending)) {
        return rest.to_vec();
    }
    let short = short.iter().find_map(|(ending, other)| Some([cut(ending)?, other].concat()));
    short.unwrap_or_else(|| [file, b".out"].concat())
}

/// The one member of a compressed file: all that it holds.
fn one(flow: &mut Flow<'_>, survey: &mut Survey<'_>) {
    let name = survey.name().to_vec();
    survey.rest(flow, Record::new(name, MemberKind::File));
}
