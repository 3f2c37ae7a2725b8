//! In which order what was not kept of a stream is best had again: portions of it, in the order of the stream, so that one pass
//! over it serves for all of them.
//!
//! A pyc is judged beside its source. Where one comes long before the other it is carried until then, within a limit; what does not
//! fit waits for another pass. Members far apart in path order are not mixed: what is judged before its turn has to wait for it.

use std::collections::BTreeMap;
use std::collections::HashMap;

use crate::container::MemberId;
use crate::container::sequence::Extent;

/// Members that may be judged before the turn of the first of them comes: their entries are held until then.
const AHEAD: usize = 1 << 16;

/// A member that is asked for, and what is read along with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Need {
    /// Which.
    pub(super) member: MemberId,
    /// Its data.
    pub(super) own: Extent,
    /// Those of its source.
    pub(super) source: Option<Extent>,
}

impl Need {
    /// All that it needs, each once.
    fn extents(&self) -> impl Iterator<Item = Extent> {
        [Some(self.own), self.source.filter(|source| *source != self.own)].into_iter().flatten()
    }
}

/// What is decoded at a time.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Portion {
    /// The members that can be judged once it is there.
    pub(super) members: Vec<MemberId>,
    /// What is to be had, in the order of the stream, and the last portion whose members need it.
    pub(super) loads: Vec<(Extent, usize)>,
}

impl Portion {
    /// Where it begins.
    pub(super) fn start(&self) -> u64 {
        self.loads.first().map_or(0, |(extent, _)| extent.offset)
    }
}

/// Limits in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Of a portion; a single member may be larger.
    pub(super) portion: u64,
    /// Of what is carried from portion to portion.
    pub(super) carried: u64,
}

/// Parts what is needed into portions. The needs come in path order.
pub(super) fn plan(needs: &[Need], room: Room) -> Vec<Portion> {
    let mut portions = Vec::new();
    for group in needs.chunks(AHEAD) {
        let mut left: Vec<Need> = group.to_vec();
        while !left.is_empty() {
            left = Pass::new(&left, room, portions.len()).plan(&mut portions);
        }
    }
    portions
}

/// One pass over the stream.
struct Pass<'a> {
    needs: &'a [Need],
    room: Room,
    /// How many portions there are before it.
    first: usize,
    /// What each need still lacks; `None` for what waits for another pass.
    lacks: Vec<Option<usize>>,
    /// The portion in which each need has all.
    done: Vec<usize>,
    /// Which needs have each extent, in the order of the stream.
    users: BTreeMap<(u64, u64), Vec<usize>>,
}

impl<'a> Pass<'a> {
    fn new(needs: &'a [Need], room: Room, first: usize) -> Self {
        let mut users: BTreeMap<(u64, u64), Vec<usize>> = BTreeMap::new();
        for (at, need) in needs.iter().enumerate() {
            for extent in need.extents() {
                users.entry((extent.offset, extent.length)).or_default().push(at);
            }
        }
        let lacks = needs.iter().map(|need| Some(need.extents().count())).collect();
        Self { needs, room, first, lacks, done: vec![0; needs.len()], users }
    }

    /// Adds the portions of this pass; gives the needs that are left for another one.
    fn plan(mut self, portions: &mut Vec<Portion>) -> Vec<Need> {
        let users = std::mem::take(&mut self.users);
        let mut made = vec![Portion::default()];
        let mut held = 0_u64;
        let mut carried = 0_u64;
        // How many needs still wait for each extent that is carried.
        let mut waiting: HashMap<(u64, u64), usize> = HashMap::new();
        for (&(offset, length), users) in &users {
            let is_carried = users.iter().any(|&user| self.lacks_more_than(user, 1));
            if is_carried && carried > 0 && carried.saturating_add(length) > self.room.carried {
                for &user in users {
                    if self.lacks_more_than(user, 1)
                        && let Some(lacks) = self.lacks.get_mut(user)
                    {
                        *lacks = None;
                    }
                }
            }
            if held > 0 && held.saturating_add(length) > self.room.portion {
                made.push(Portion::default());
                held = 0;
            }
            let portion = self.first.saturating_add(made.len()).saturating_sub(1);
            let Some(last) = made.last_mut() else { continue };
            let mut is_used = false;
            let mut waits = 0_usize;
            for &user in users {
                let Some(Some(lacks)) = self.lacks.get_mut(user) else { continue };
                is_used = true;
                *lacks = lacks.saturating_sub(1);
                if *lacks > 0 {
                    waits = waits.saturating_add(1);
                    continue;
                }
                let Some(need) = self.needs.get(user) else { continue };
                last.members.push(need.member);
                if let Some(done) = self.done.get_mut(user) {
                    *done = portion;
                }
                // What was carried for it is let go once nothing else waits for it.
                for extent in need.extents() {
                    let key = (extent.offset, extent.length);
                    if let Some(left) = waiting.get_mut(&key) {
                        *left = left.saturating_sub(1);
                        if *left == 0 {
                            waiting.remove(&key);
                            carried = carried.saturating_sub(extent.length);
                        }
                    }
                }
            }
            if !is_used {
                continue;
            }
            last.loads.push((Extent { offset, length }, portion));
            held = held.saturating_add(length);
            if waits > 0 {
                waiting.insert((offset, length), waits);
                carried = carried.saturating_add(length);
            }
        }
        // What is loaded is kept until the last need that has it is served.
        for (extent, until) in made.iter_mut().flat_map(|portion| &mut portion.loads) {
            let users = users.get(&(extent.offset, extent.length)).into_iter().flatten();
            let served = users.filter(|&&user| self.lacks.get(user).is_some_and(|lacks| *lacks == Some(0)));
            let last = served.filter_map(|&user| self.done.get(user)).max();
            *until = last.copied().unwrap_or(*until);
        }
        portions.extend(made.into_iter().filter(|portion| !portion.loads.is_empty()));
        let left = self.needs.iter().zip(&self.lacks).filter(|(_, lacks)| lacks.is_none());
        left.map(|(need, _)| *need).collect()
    }

    /// Whether a need lacks more than so many extents, and does not wait for another pass.
    fn lacks_more_than(&self, need: usize, count: usize) -> bool {
        self.lacks.get(need).copied().flatten().is_some_and(|lacks| lacks > count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(offset: u64, length: u64) -> Extent {
        Extent { offset, length }
    }

    /// What a portion is: the pass over the stream that it is in, its members, and what is loaded with the portions until which it
    /// is kept.
    type Planned = (usize, Vec<MemberId>, Vec<(u64, usize)>);

    /// What is planned for members by number, each with its place and that of its source.
    fn planned(places: &[(u64, Option<u64>)], room: Room) -> Vec<Planned> {
        let needs: Vec<Need> = places
            .iter()
            .enumerate()
            .map(|(member, &(own, source))| Need {
                member,
                own: extent(own, 10),
                source: source.map(|offset| extent(offset, 10)),
            })
            .collect();
        let loads = |portion: &Portion| portion.loads.iter().map(|(extent, until)| (extent.offset, *until)).collect();
        let portions = plan(&needs, room);
        let mut pass = 0;
        let mut position = 0;
        let mut planned = Vec::new();
        for portion in &portions {
            if portion.start() < position {
                pass = usize::saturating_add(pass, 1);
            }
            position = portion.loads.last().map_or(0, |(extent, _)| extent.offset);
            planned.push((pass, portion.members.clone(), loads(portion)));
        }
        planned
    }

    #[test]
    fn members_come_in_the_order_of_the_stream_in_one_pass() {
        let room = Room { portion: 20, carried: 0 };
        let portions = planned(&[(40, None), (0, None), (20, None)], room);
        assert_eq!(portions, [(0, vec![1, 2], vec![(0, 0), (20, 0)]), (0, vec![0], vec![(40, 1)])]);
    }

    #[test]
    fn what_comes_before_its_partner_is_carried_to_it() {
        let room = Room { portion: 10, carried: 10 };
        // The source of both is first; the second is three portions later.
        let portions = planned(&[(10, Some(0)), (30, Some(0)), (20, None)], room);
        let expected = [
            (0, vec![], vec![(0, 3)]),
            (0, vec![0], vec![(10, 1)]),
            (0, vec![2], vec![(20, 2)]),
            (0, vec![1], vec![(30, 3)]),
        ];
        assert_eq!(portions, expected);
    }

    #[test]
    fn what_cannot_be_carried_waits_for_another_pass() {
        let room = Room { portion: 100, carried: 10 };
        let portions = planned(&[(0, Some(20)), (10, Some(30))], room);
        assert_eq!(portions, [(0, vec![0], vec![(0, 0), (20, 0)]), (1, vec![1], vec![(10, 1), (30, 1)])]);
        // A single pair is served whatever it takes.
        assert_eq!(planned(&[(0, Some(20))], Room { portion: 0, carried: 0 }).len(), 2);
    }

    #[test]
    fn every_member_is_served_once_and_has_what_it_needs() {
        // Pairs crosswise, in every room.
        let place = |at: u64| (at * 70 % 400, Some(400 + at / 2 * 110 % 200));
        let places: Vec<(u64, Option<u64>)> = (0..40).map(place).collect();
        for (portion, carried) in [(0, 0), (10, 30), (50, 100), (1000, 1000), (10, 1000)] {
            let portions = planned(&places, Room { portion, carried });
            let mut served = Vec::new();
            for (number, (pass, members, _)) in portions.iter().enumerate() {
                let of_pass = portions.iter().take(number + 1).filter(|(other, ..)| other == pass);
                let loads: Vec<_> = of_pass.flat_map(|(_, _, loads)| loads).collect();
                for &member in members {
                    served.push(member);
                    let (own, source) = place(member.try_into().unwrap());
                    for offset in [Some(own), source].into_iter().flatten() {
                        let is_there = loads.iter().any(|&&(loaded, until)| loaded == offset && until >= number);
                        assert!(is_there, "{member} in {number}");
                    }
                }
            }
            served.sort_unstable();
            assert_eq!(served, (0..places.len()).collect::<Vec<_>>(), "{portion} {carried}");
        }
    }

    #[test]
    fn what_is_far_apart_in_path_order_is_not_mixed() {
        let count = u64::try_from(AHEAD).unwrap();
        let places: Vec<(u64, Option<u64>)> = (0..=count).rev().map(|at| (at * 10, None)).collect();
        let portions = planned(&places, Room { portion: u64::MAX, carried: 0 });
        let members: Vec<_> = portions.iter().map(|(pass, members, _)| (*pass, members.len())).collect();
        assert_eq!(members, [(0, AHEAD), (1, 1)]);
    }
}
