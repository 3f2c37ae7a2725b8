//! Names as both sides of the comparison share them.

use std::collections::HashMap;

use super::event::NameId;

/// All names of one comparison, each with a number.
#[derive(Debug, Default)]
pub struct Names {
    names: Vec<Box<[u8]>>,
    places: HashMap<Box<[u8]>, NameId>,
}

impl Names {
    /// The number of a name, which is UTF-8 in which surrogates are encoded like other characters.
    pub fn intern(&mut self, name: &[u8]) -> NameId {
        if let Some(&id) = self.places.get(name) {
            return id;
        }
        let id = NameId(u32::try_from(self.names.len()).unwrap_or(u32::MAX));
        self.names.push(name.into());
        self.places.insert(name.into(), id);
        id
    }

    /// The name of a number.
    pub fn get(&self, id: NameId) -> &[u8] {
        usize::try_from(id.0).ok().and_then(|index| self.names.get(index)).map_or(&[], |name| name)
    }
}
