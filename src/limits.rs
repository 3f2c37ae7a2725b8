//! Every cap on untrusted input, each with its reason.

/// The caps of one run. Each hit is a problem and a finding of the 9xx family; nothing is cut silently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one file or member that are read into memory (`--max-member-size`).
    ///
    /// The largest honest pyc seen is below 10 MB and the largest member of the 150 wheels of the benchmark below 200 MB;
    /// as many of these as there are threads may be in memory at once.
    pub member_size: u64,
    /// Bytes that all members of one archive may unpack to (`--max-total-size`).
    ///
    /// The largest wheels on the package index are some 4 GB unpacked.
    pub total_size: u64,
    /// Bytes out for a byte in (`--max-ratio`), checked from the first megabyte on.
    ///
    /// Deflate itself cannot exceed 1032; honest members of source and bytecode stay below 100.
    pub ratio: u64,
    /// Archives inside archives (`--max-depth`); the outermost is depth 0.
    ///
    /// An image of layers of wheels is three; 8 leaves room, and a quine has no end.
    pub depth: u32,
    /// Archives in one member of an archive on disk, at all depths together.
    ///
    /// Sixteen archives of sixteen, five deep, are a million; a bundle of a distribution's packages has some thousands.
    pub nested: u64,
    /// Members of one archive, directory records included.
    ///
    /// The largest honest archives have some 100,000; a record costs some 400 bytes of memory while its archive is opened.
    pub members: usize,
    /// Bytes of the names of one archive that is read forwards.
    ///
    /// The members of the largest honest archives have names of some 100 bytes; a hostile one could give each member a megabyte.
    pub names: usize,
    /// Bytes that a compressed archive's decoder may look back.
    ///
    /// `xz -9` looks back 64 MiB, `zstd --long` and what conda writes 128 MiB. As many decoders as there are threads may run.
    pub window: u64,
    /// Bytes of members that are kept in memory of all compressed archives together, since they cannot be read by position.
    ///
    /// Nearly all source distributions and packages have so little bytecode and source that several fit.
    pub kept: u64,
    /// The most of it that one of them has.
    ///
    /// One that has more is decoded a second time while its members are judged, in portions of a sixteenth of [`Self::kept`]; members
    /// that are far from their sources are carried along, up to a quarter of it.
    pub kept_of_one: u64,
    /// Folders below one another in a tree.
    ///
    /// `PATH_MAX` allows some 2,000 with one-letter names; beyond that the system itself refuses the path.
    pub folders: usize,
    /// Nested marshalled objects, leaves included.
    ///
    /// CPython reads 2,000 on Linux and macOS (`MAX_MARSHAL_STACK_DEPTH` in Python/marshal.c); what is deeper loads nowhere.
    pub marshal_depth: usize,
    /// Marshalled objects of one file, and references to them.
    ///
    /// Each costs some tens of bytes of memory and at least one byte of file, and as many files are read at once as there are
    /// threads; the largest honest pyc has some 2 million.
    pub marshal_objects: usize,
    /// Objects of one file when each is counted as often as it is referred to, before it is called a bomb.
    ///
    /// Honest files stay within a few times the objects that they hold, which [`Self::marshal_objects`] bounds.
    pub expanded_objects: u64,
    /// Bytes of a source that are read for its hash or line ends.
    pub source_size: u64,
    /// Operators, brackets and keywords that one operand of a source may be under.
    ///
    /// CPython's compilers give up between 1,000 and 10,000 nested expressions, depending on the version; honest sources
    /// stay below 200.
    pub source_depth: usize,
    /// Bytes of a source that the code is compared with.
    ///
    /// Its syntax tree takes some fifty times as much memory; the largest honest sources, which are generated, have some 5 MB.
    pub parsed_size: u64,
    /// Steps of the comparison of one file's code with its source, at all levels and in all forms that are tried.
    ///
    /// The largest honest modules need some hundred thousand; each takes a microsecond or less.
    pub code_work: usize,
    /// Bytes of address space of a child that compiles sources (`--verify exact`).
    ///
    /// CPython takes some 100 MB for the largest honest sources; what it maps and does not use counts too.
    pub interpreter_memory: u64,
    /// Seconds that such a child may take for one source.
    ///
    /// The largest honest sources take two or three.
    pub interpreter_seconds: u64,
    /// Findings that one rule may make on one artifact; the rest are counted in the last one.
    ///
    /// An archive of a million duplicates must not make a report of a million lines.
    pub findings_per_rule: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            member_size: 256 << 20,
            total_size: 16 << 30,
            ratio: 1100,
            depth: 8,
            nested: 10_000,
            members: 1_000_000,
            names: 128 << 20,
            window: 128 << 20,
            kept: 256 << 20,
            kept_of_one: 64 << 20,
            folders: 4_000,
            marshal_depth: 2_000,
            marshal_objects: 16_000_000,
            expanded_objects: 100_000_000,
            source_size: 64 << 20,
            source_depth: 5_000,
            parsed_size: 16 << 20,
            code_work: 20_000_000,
            interpreter_memory: 4 << 30,
            interpreter_seconds: 30,
            findings_per_rule: 1_000,
        }
    }
}

/// Bytes of one line of a saved run.
///
/// A scan writes some kilobytes, and some megabytes for an archive of a million members; a line is held whole while it is read.
pub const RUN_LINE: usize = 64 << 20;

/// Bytes of the lines of one pyc or artifact of a saved run.
///
/// [`Limits::findings_per_rule`] keeps those of a scan far below; they are held until the item is complete.
pub const RUN_ITEM: usize = 256 << 20;
