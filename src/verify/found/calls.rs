//! Calls, functions and imports.

use smallvec::smallvec;

use crate::pyc::opcodes::Op as Opcode;
use crate::verify::constant::ConstId;
use crate::verify::constant::Constant;
use crate::verify::event::Attribute;
use crate::verify::event::Display;
use crate::verify::event::NameListId;
use crate::verify::event::Op;
use crate::verify::event::Operands;
use crate::verify::event::Pair;
use crate::verify::event::Symbol;
use crate::verify::event::Unary;

use super::Fault;
use super::Goto;
use super::Put;
use super::stack::Run;
use super::stack::Step;
use super::stack::value;

/// What a function can be given, in the order in which that is said; the bits are those of the argument of `MAKE_FUNCTION`.
const ATTRIBUTES: [(u32, Attribute); 5] = [
    (1, Attribute::Defaults),
    (2, Attribute::KeywordDefaults),
    (4, Attribute::Annotations),
    (8, Attribute::Closure),
    (16, Attribute::Annotate),
];

/// The part of `MAKE_FUNCTION` of 2.x in which the tuple of defaults is made. Other parts hold the bits of what is still to be given,
/// above a one.
const OLD_DEFAULTS: u8 = 64;

impl Run<'_, '_> {
    /// `KW_NAMES` (3.11, 3.12): names for the call that follows.
    pub(super) fn kw_names(&mut self) -> Step {
        let names = self.constant(self.at.arg)?;
        self.state.keywords = Some(names);
        self.next()
    }

    /// `PRECALL` (3.11) in front of its call.
    pub(super) fn precall(&mut self) -> Step {
        let call = self.machine.behind(&self.at).filter(|call| call.op() == Some(Opcode::CALL));
        if call.is_some_and(|call| call.arg == self.at.arg) { self.next() } else { self.foreign() }
    }

    /// `CALL` and `CALL_KW` of 3.11 and later.
    pub(super) fn call(&mut self) -> Step {
        let names = match self.state.keywords.take() {
            Some(names) => Some(names),
            None if self.at.op() == Some(Opcode::CALL_KW) => match self.pop()? {
                Symbol::Const(names) => Some(names),
                _ => return Err(Fault::NotAValue),
            },
            None => None,
        };
        let names = match names {
            Some(names) => self.keywords(names)?,
            None => NameListId::EMPTY,
        };
        if self.pool.names.list(names).len() > self.count() {
            return Err(Fault::Operand);
        }
        let operands = self.callee(self.count())?;
        self.event(Op::Call(names), operands)
    }

    /// The callee that lies below so many arguments in two values, and they.
    fn callee(&mut self, count: usize) -> Result<Operands, Fault> {
        let place = self.place(count.saturating_add(2))?;
        let (lower, upper) = (self.peek(count.saturating_add(2))?, self.peek(count.saturating_add(1))?);
        // From 3.13 on NULL or the object is above the function, before that below it.
        let (function, object) = if self.machine.series >= (3, 13) { (lower, upper) } else { (upper, lower) };
        let mut operands = match (function, object) {
            (Symbol::Half(Pair::Method, id), other) if other == function => smallvec![Symbol::Id(id)],
            (function, Symbol::Null) => smallvec![value(function)?],
            // A function and its first argument, as the calls of exits have it: the function is always the lower one.
            _ if self.machine.series >= (3, 11) => smallvec![value(lower)?, value(upper)?],
            _ => return Err(Fault::NotAValue),
        };
        for &argument in self.state.stack.get(place.saturating_add(2)..).unwrap_or_default() {
            operands.push(value(argument)?);
        }
        self.state.stack.truncate(place);
        Ok(operands)
    }

    /// `CALL_METHOD` (3.7 to 3.10).
    pub(super) fn call_method(&mut self) -> Step {
        let operands = self.callee(self.count())?;
        self.event(Op::Call(NameListId::EMPTY), operands)
    }

    /// `CALL_FUNCTION` up to 3.10.
    pub(super) fn call_function(&mut self) -> Step {
        if self.machine.series.0 > 2 {
            let operands = self.values(self.count().checked_add(1).ok_or(Fault::StackUnderflow)?)?;
            return self.event(Op::Call(NameListId::EMPTY), operands);
        }
        let (names, operands) = self.old_arguments(0)?;
        self.event(Op::Call(names), operands)
    }

    /// The callee and arguments of a call of 2.x, in front of so many other values: keywords are pairs of a name and a value.
    fn old_arguments(&mut self, others: usize) -> Result<(NameListId, Operands), Fault> {
        let others = self.values(others)?;
        let positional = usize::try_from(self.at.arg & 255).unwrap_or_default();
        let keywords = usize::try_from(self.at.arg >> 8 & 255).unwrap_or_default();
        let pairs = self.values(keywords.saturating_mul(2))?;
        let mut operands = self.values(positional.saturating_add(1))?;
        let mut names = Vec::with_capacity(keywords);
        for pair in pairs.as_chunks::<2>().0 {
            let &[Symbol::Const(name), value] = pair else { return Err(Fault::NotAValue) };
            names.push(self.text(name)?);
            operands.push(value);
        }
        operands.extend(others);
        Ok((self.pool.names.intern_list(&names), operands))
    }

    /// `CALL_FUNCTION_VAR` and its kin (2.x).
    pub(super) fn call_function_var(&mut self, has_iterable: bool, has_mapping: bool) -> Step {
        let others = usize::from(has_iterable).saturating_add(usize::from(has_mapping));
        let (names, operands) = self.old_arguments(others)?;
        self.event(Op::CallVar(names, has_iterable, has_mapping), operands)
    }

    /// `CALL_FUNCTION_KW` (3.6 to 3.10): the names are a constant tuple on top.
    pub(super) fn call_function_kw(&mut self) -> Step {
        let Symbol::Const(names) = self.pop()? else { return Err(Fault::NotAValue) };
        let names = self.keywords(names)?;
        if self.pool.names.list(names).len() > self.count() {
            return Err(Fault::Operand);
        }
        let operands = self.values(self.count().checked_add(1).ok_or(Fault::StackUnderflow)?)?;
        self.event(Op::Call(names), operands)
    }

    /// `CALL_FUNCTION_EX`.
    pub(super) fn call_function_ex(&mut self) -> Step {
        let series = self.machine.series;
        let mapping = match self.at.arg {
            // From 3.14 on there is always a place for it.
            _ if series >= (3, 14) => Some(self.pop()?).filter(|&mapping| mapping != Symbol::Null),
            arg if arg & 1 != 0 => Some(self.pop()?),
            _ => None,
        };
        let iterable = self.value()?;
        if series >= (3, 13) && self.pop()? != Symbol::Null {
            return Err(Fault::NotAValue);
        }
        let function = self.value()?;
        if matches!(series, (3, 11 | 12)) && self.pop()? != Symbol::Null {
            return Err(Fault::NotAValue);
        }
        let mut operands = smallvec![function, iterable];
        if let Some(mapping) = mapping {
            operands.push(value(mapping)?);
        }
        self.event(Op::CallEx, operands)
    }

    /// `MAKE_FUNCTION`, with what gives the function its attributes.
    pub(super) fn make_function(&mut self) -> Step {
        if self.part == OLD_DEFAULTS {
            let defaults = self.value()?;
            return self.finish_old_function(Some(defaults));
        }
        if self.part > 0 {
            return self.set_function();
        }
        let series = self.machine.series;
        if series.0 == 2 {
            return self.make_old_function();
        }
        // Up to 3.10 the qualified name is above the code.
        let qualname = if series < (3, 11) { smallvec![self.value()?] } else { Operands::new() };
        let code = self.code()?;
        if series < (3, 13) && self.at.arg > 15 {
            return Err(Fault::Operand);
        }
        let mut values = Vec::new();
        for (bit, last) in self.given() {
            values.push((bit, self.value()?));
            self.at.end = last;
        }
        values.sort_by_key(|&(bit, _)| std::cmp::Reverse(bit));
        if values.windows(2).any(|pair| matches!(pair, [(first, _), (second, _)] if first == second)) {
            return self.foreign();
        }
        let closure = values.iter().find(|(bit, _)| *bit == 8).map(|&(_, closure)| closure);
        self.check_closure(code, closure)?;
        let mut part = 1_u8;
        for &(bit, value) in &values {
            self.push(value)?;
            part |= u8::try_from(bit << 1).unwrap_or_default();
        }
        self.made(code, qualname, part)
    }

    /// The bits of the attributes that a function is given, the topmost value first, and where each is done.
    fn given(&self) -> Vec<(u32, u32)> {
        if self.machine.series < (3, 13) {
            let bits = [8, 4, 2, 1].into_iter().filter(|bit| self.at.arg & bit != 0);
            return bits.map(|bit| (bit, self.at.end)).collect();
        }
        let mut given = Vec::new();
        let mut at = self.at;
        while let Some(next) = self.machine.behind(&at).filter(|next| next.op() == Some(Opcode::SET_FUNCTION_ATTRIBUTE))
        {
            at = *next;
            given.push((at.arg, at.end));
        }
        given
    }

    /// The event of a function that is made; what it is given lies on the stack, the bits of which are in the part.
    fn made(&mut self, code: u32, operands: Operands, part: u8) -> Step {
        let goto = if part == 1 { Goto { offset: self.at.end, part: 0 } } else { Goto { offset: self.at.start, part } };
        self.event_to(Op::MakeFunction(code), operands, Put::Push, goto)
    }

    /// The function is on top, and below it what it is given: the lowest bit of the part says what comes next.
    fn set_function(&mut self) -> Step {
        let bits = u32::from(self.part >> 1);
        let given = ATTRIBUTES.into_iter().find(|(bit, _)| bits & bit != 0);
        let (bit, attribute) = given.ok_or(Fault::Operand)?;
        let (function, value) = (self.value()?, self.value()?);
        self.push(function)?;
        let rest = self.part & !u8::try_from(bit << 1).unwrap_or_default();
        let goto = if rest == 1 {
            let end = if self.machine.series < (3, 13) {
                self.at.end
            } else {
                self.given().last().map_or(self.at.end, |last| last.1)
            };
            Goto { offset: end, part: 0 }
        } else {
            Goto { offset: self.at.start, part: rest }
        };
        self.event_to(Op::SetFunction(attribute), smallvec![function, value], Put::Push, goto)
    }

    /// `MAKE_FUNCTION` and `MAKE_CLOSURE` of 2.x: the defaults are so many values, of which a tuple is made first.
    fn make_old_function(&mut self) -> Step {
        let code = self.pop()?;
        let closure = if self.at.op() == Some(Opcode::MAKE_CLOSURE) { Some(self.pop()?) } else { None };
        let defaults = self.values(self.count())?;
        if let Some(closure) = closure {
            self.push(closure)?;
        }
        self.push(code)?;
        if defaults.is_empty() {
            return self.finish_old_function(None);
        }
        if let Some(defaults) = Self::constants(&defaults) {
            let tuple = self.pool.constants.intern(Constant::Tuple(defaults));
            return self.finish_old_function(Some(Symbol::Const(tuple)));
        }
        let goto = Goto { offset: self.at.start, part: OLD_DEFAULTS };
        self.event_to(Op::Build(Display::Tuple), defaults, Put::Push, goto)
    }

    /// A function of 2.x is made of the code on top, the closure below it, and defaults.
    fn finish_old_function(&mut self, defaults: Option<Symbol>) -> Step {
        let code = self.code()?;
        let closure = if self.at.op() == Some(Opcode::MAKE_CLOSURE) { Some(self.value()?) } else { None };
        self.check_closure(code, closure)?;
        let mut part = 1_u8;
        if let Some(closure) = closure {
            let closure = self.sorted(closure);
            self.push(closure)?;
            part |= 16;
        }
        if let Some(defaults) = defaults {
            self.push(defaults)?;
            part |= 2;
        }
        self.made(code, Operands::new(), part)
    }

    /// The cells of a closure by name: in 2.x their order is that of a dict.
    fn sorted(&mut self, closure: Symbol) -> Symbol {
        let Symbol::Const(id) = closure else { return closure };
        let Constant::Tuple(cells) = self.pool.constants.get(id).clone() else { return closure };
        let mut named: Vec<(Vec<u8>, ConstId)> = cells
            .iter()
            .map(|&cell| match self.pool.constants.get(cell) {
                &Constant::Cell(name) => (self.pool.names.get(name).to_vec(), cell),
                _ => (Vec::new(), cell),
            })
            .collect();
        named.sort();
        let sorted = named.into_iter().map(|(_, cell)| cell).collect();
        Symbol::Const(self.pool.constants.intern(Constant::Tuple(sorted)))
    }

    /// A code object on top of the stack.
    fn code(&mut self) -> Result<u32, Fault> {
        let Symbol::Const(code) = self.pop()? else { return Err(Fault::NotAValue) };
        let &Constant::Code(place) = self.pool.constants.get(code) else { return Err(Fault::NotAValue) };
        Ok(place)
    }

    /// Whether a closure holds exactly the free variables of its function.
    fn check_closure(&self, code: u32, closure: Option<Symbol>) -> Result<(), Fault> {
        let children = &self.machine.children;
        let place = children.binary_search_by_key(&code, |child| child.place).map_err(|_| Fault::Closure)?;
        let child = children.get(place).ok_or(Fault::Closure)?;
        let Some(closure) = closure else {
            return if child.frees.is_empty() { Ok(()) } else { Err(Fault::Closure) };
        };
        let Symbol::Const(closure) = closure else { return Err(Fault::Closure) };
        let Constant::Tuple(cells) = self.pool.constants.get(closure) else { return Err(Fault::Closure) };
        let cell = |&cell: &ConstId| match *self.pool.constants.get(cell) {
            Constant::Cell(name) => Some(name),
            _ => None,
        };
        let fits = cells.len() == child.frees.len()
            && cells.iter().zip(&child.frees).all(|(found, free)| free.is_some() && cell(found) == *free);
        if fits { Ok(()) } else { Err(Fault::Closure) }
    }

    /// `IMPORT_NAME`.
    pub(super) fn import_name(&mut self) -> Step {
        let series = self.machine.series;
        let (name, is_lazy) =
            if series >= (3, 15) { (self.at.arg >> 2, self.at.arg & 1 != 0) } else { (self.at.arg, false) };
        // From 3.15 on two bits say how lazy: 0 when the interpreter is told to be, 1 always, 2 never.
        if series >= (3, 15) && self.at.arg & 3 == 3 {
            return self.foreign();
        }
        let name = self.name(name)?;
        let operands = self.values(2)?;
        self.event(if is_lazy { Op::LazyImport(name) } else { Op::Import(name) }, operands)
    }

    /// `IMPORT_FROM`: the module stays.
    pub(super) fn import_from(&mut self) -> Step {
        let name = self.name(self.at.arg)?;
        let module = self.peek_value(1)?;
        self.event(Op::ImportFrom(name), smallvec![module])
    }

    /// `CALL_INTRINSIC_1`.
    pub(super) fn intrinsic_1(&mut self) -> Step {
        let operand = self.peek_value(1)?;
        let word = self.machine.opcodes.intrinsics_1.get(self.count()).copied().ok_or(Fault::Operand)?;
        match word {
            "INTRINSIC_1_INVALID" | "INTRINSIC_PRINT" => return self.foreign(),
            "INTRINSIC_UNARY_POSITIVE" => return self.unary(Unary::Positive),
            _ => {}
        }
        self.pop()?;
        let op = match word {
            "INTRINSIC_IMPORT_STAR" => return self.event_put(Op::ImportStar, smallvec![operand], Put::None),
            "INTRINSIC_ASYNC_GEN_WRAP" => Op::AsyncGenWrap,
            "INTRINSIC_LIST_TO_TUPLE" => Op::ListToTuple,
            word => Op::Intrinsic(word),
        };
        self.event(op, smallvec![operand])
    }

    /// `CALL_INTRINSIC_2`.
    pub(super) fn intrinsic_2(&mut self) -> Step {
        let operands = self.values(2)?;
        let word = self.machine.opcodes.intrinsics_2.get(self.count()).copied().ok_or(Fault::Operand)?;
        match word {
            "INTRINSIC_2_INVALID" => self.foreign(),
            "INTRINSIC_PREP_RERAISE_STAR" => self.event(Op::PrepReraiseStar, operands),
            word => self.event(Op::Intrinsic(word), operands),
        }
    }

    /// `LOAD_COMMON_CONSTANT`.
    pub(super) fn load_common(&mut self) -> Step {
        let word = self.machine.opcodes.common_constants.get(self.count()).copied().ok_or(Fault::Operand)?;
        let constant = match word {
            "None" => Constant::None,
            "''" => Constant::Text(Box::default()),
            "True" => Constant::True,
            "False" => Constant::False,
            "-1" => Constant::Int((-1).into()),
            _ => {
                let names = [
                    ("AssertionError", "<class 'AssertionError'>"),
                    ("NotImplementedError", "<class 'NotImplementedError'>"),
                ];
                let more = [("tuple", "<class 'tuple'>"), ("list", "<class 'list'>"), ("set", "<class 'set'>")];
                let functions = [("all", "<built-in function all>"), ("any", "<built-in function any>")];
                let mut all = names.into_iter().chain(more).chain(functions);
                let Some((name, _)) = all.find(|(_, shown)| *shown == word) else { return self.foreign() };
                return self.event(Op::LoadCommon(name), Operands::new());
            }
        };
        let constant = self.pool.constants.intern(constant);
        self.pushed(Symbol::Const(constant))
    }
}
