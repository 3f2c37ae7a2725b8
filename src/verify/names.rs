//! Names as both sides of the comparison share them.

use foldhash::fast::RandomState;
use indexmap::IndexSet;

use crate::pyc::objects::Items;

use super::event::NameId;
use super::event::NameListId;
use super::rows::Rows;

/// All names of one comparison, each with a number.
#[derive(Debug, Default)]
pub struct Names {
    all: Rows<u8>,
    /// Lists of them, from number 1 on: 0 is the one without names.
    lists: IndexSet<Box<[NameId]>, RandomState>,
    /// By object of the file, the name that it is, as far as it was asked for.
    read: Vec<Option<NameId>>,
}

impl Names {
    /// The number of a name, which is UTF-8 in which surrogates are encoded like other characters.
    pub fn intern(&mut self, name: &[u8]) -> NameId {
        NameId(u32::try_from(self.all.place_of(name)).unwrap_or(u32::MAX))
    }

    /// Those of all names of a tuple of the file.
    pub(super) fn read_all(&mut self, items: Items<'_>, to: &mut impl Extend<Option<NameId>>) {
        to.extend((0..items.len()).map(|place| self.read(items, place)));
    }

    /// The number of the name at a place of a tuple of the file; `None` for what is no name.
    pub fn read(&mut self, items: Items<'_>, place: usize) -> Option<NameId> {
        let object = items.ids().get(place)?.index();
        if let Some(&Some(name)) = self.read.get(object) {
            return Some(name);
        }
        let name = self.intern(&items.get(place)?.as_name()?.to_bytes());
        if object >= self.read.len() {
            self.read.resize(object.saturating_add(1), None);
        }
        if let Some(known) = self.read.get_mut(object) {
            *known = Some(name);
        }
        Some(name)
    }

    /// The name of a number.
    pub fn get(&self, id: NameId) -> &[u8] {
        usize::try_from(id.0).ok().and_then(|place| self.all.get(place)).unwrap_or_default()
    }

    /// The number of a list of names.
    pub fn intern_list(&mut self, names: &[NameId]) -> NameListId {
        if names.is_empty() {
            return NameListId::EMPTY;
        }
        let index = self.lists.get_index_of(names).unwrap_or_else(|| self.lists.insert_full(names.into()).0);
        NameListId(u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1))
    }

    /// The names of a list.
    pub fn list(&self, id: NameListId) -> &[NameId] {
        let index = usize::try_from(id.0).ok().and_then(|number| number.checked_sub(1));
        index.and_then(|index| self.lists.get_index(index)).map_or(&[], |names| names)
    }
}
