//! Names as both sides of the comparison share them.

use foldhash::fast::RandomState;
use indexmap::IndexSet;

use super::event::NameId;

/// All names of one comparison, each with a number.
#[derive(Debug, Default)]
pub struct Names(IndexSet<Box<[u8]>, RandomState>);

impl Names {
    /// The number of a name, which is UTF-8 in which surrogates are encoded like other characters.
    pub fn intern(&mut self, name: &[u8]) -> NameId {
        let index = self.0.get_index_of(name).unwrap_or_else(|| self.0.insert_full(name.into()).0);
        NameId(u32::try_from(index).unwrap_or(u32::MAX))
    }

    /// The name of a number.
    pub fn get(&self, id: NameId) -> &[u8] {
        usize::try_from(id.0).ok().and_then(|index| self.0.get_index(index)).map_or(&[], |name| name)
    }
}
