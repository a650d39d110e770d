//! A rule's condition: an expression of the Common Expression Language, of which a small part is permitted.
//!
//! Permitted are features, whole numbers, `true` and `false`, comparisons, `&& || !`, `+ - * / %`, `a ? b : c` and `x in [1, 2]`.
//! Nothing repeats, calls or looks into anything, so the length of a condition bounds the time of its evaluation. Types are
//! checked here: a condition is a boolean, its parts integers or booleans. A divisor is a literal other than zero.

use crate::book::RuleFault;
use crate::feature::{Feature, Features, WITHHELD};
use crate::words::Place;
use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};
use cel::common::types::CelInt;
use cel::common::value::CowVal;
use cel::context::VariableResolver;
use cel::{Context, Env, Program, Value};
use std::fmt;
use std::sync::Arc;

/// Longest condition, in bytes.
pub const CONDITION_BYTES_MAX: usize = 600;
/// Deepest nesting of a condition.
pub const CONDITION_NESTING_MAX: usize = 24;
/// Most parts of a condition.
pub const CONDITION_NODES_MAX: usize = 120;

/// A condition that was checked.
pub(crate) struct Condition {
    program: Program,
    environment: Arc<Env>,
}

impl fmt::Debug for Condition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Condition")
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Integer,
    Boolean,
}

impl Condition {
    /// Of its text, for rules of one place.
    pub(crate) fn new(text: &str, place: Place, environment: &Arc<Env>) -> Result<Condition, RuleFault> {
        if text.len() > CONDITION_BYTES_MAX {
            return Err(RuleFault::TooLong);
        }
        if opened_at_once(text) > CONDITION_NESTING_MAX {
            return Err(RuleFault::TooDeep);
        }
        let program = environment
            .compile(text)
            .map_err(|error| RuleFault::Malformed(error.to_string()))?;
        let mut checker = Checker { place, nodes: 0 };
        match checker.kind(program.expression(), 0)? {
            Kind::Boolean => Ok(Condition {
                program,
                environment: Arc::clone(environment),
            }),
            Kind::Integer => Err(RuleFault::Type(
                "the whole condition is a number, not true or false".to_owned(),
            )),
        }
    }

    /// Whether it holds; `None` when it has no value (a number beyond 64 bits).
    pub(crate) fn holds(&self, features: &Features) -> Option<bool> {
        let known = Known(features);
        let mut context = Context::with_env(Arc::clone(&self.environment));
        context.set_variable_resolver(&known);
        match self.program.execute(&context) {
            Ok(Value::Bool(holds)) => Some(holds),
            _ => None,
        }
    }
}

struct Known<'a>(&'a Features);

impl VariableResolver for Known<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let value = self.0.get(Feature::named(variable)?);
        Some(CowVal::Owned(Box::new(CelInt::from(value))))
    }
}

/// How many brackets and signs stand open at once at most, without reading more of the text than that: a parser that descends
/// is given nothing deep.
fn opened_at_once(text: &str) -> usize {
    let (mut open, mut signs, mut most) = (0_usize, 0_usize, 0_usize);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            b'!' | b'-' | b'?' => signs += 1,
            _ => {}
        }
        most = most.max(open + signs);
    }
    most
}

struct Checker {
    place: Place,
    nodes: usize,
}

impl Checker {
    fn kind(&mut self, expression: &IdedExpr, depth: usize) -> Result<Kind, RuleFault> {
        self.nodes += 1;
        if self.nodes > CONDITION_NODES_MAX {
            return Err(RuleFault::TooLong);
        }
        if depth > CONDITION_NODES_MAX {
            return Err(RuleFault::TooDeep);
        }
        match &expression.expr {
            Expr::Ident(name) => self.feature(name),
            Expr::Literal(LiteralValue::Int(_)) => Ok(Kind::Integer),
            Expr::Literal(LiteralValue::Boolean(_)) => Ok(Kind::Boolean),
            Expr::Literal(_) => Err(RuleFault::Type(
                "only whole numbers, true and false may be written".to_owned(),
            )),
            Expr::Call(call) if call.target.is_none() => self.call(&call.func_name, &call.args, depth + 1),
            _ => Err(RuleFault::NotPermitted(
                "what calls, looks into or repeats something".to_owned(),
            )),
        }
    }

    fn feature(&self, name: &str) -> Result<Kind, RuleFault> {
        match Feature::named(name) {
            Some(feature) if feature.is_known_at(self.place) => Ok(Kind::Integer),
            Some(_) => Err(RuleFault::NotKnownThere {
                feature: name.to_owned(),
                place: self.place,
            }),
            None if WITHHELD.contains(&name) => Err(RuleFault::OtherPurpose {
                feature: name.to_owned(),
            }),
            None => Err(RuleFault::UnknownFeature {
                feature: name.to_owned(),
            }),
        }
    }

    fn call(&mut self, name: &str, arguments: &[IdedExpr], depth: usize) -> Result<Kind, RuleFault> {
        use Kind::{Boolean, Integer};
        let (wanted, answer): (&[Kind], Kind) = match name {
            operators::LOGICAL_AND | operators::LOGICAL_OR => (&[Boolean, Boolean], Boolean),
            operators::LOGICAL_NOT => (&[Boolean], Boolean),
            operators::NEGATE => (&[Integer], Integer),
            operators::ADD | operators::SUBSTRACT | operators::MULTIPLY => (&[Integer, Integer], Integer),
            operators::DIVIDE | operators::MODULO => {
                let divisor = arguments.get(1).map(|argument| &argument.expr);
                if !matches!(divisor, Some(Expr::Literal(LiteralValue::Int(divisor))) if *divisor.inner() != 0)
                {
                    return Err(RuleFault::Divides);
                }
                (&[Integer, Integer], Integer)
            }
            operators::EQUALS
            | operators::NOT_EQUALS
            | operators::LESS
            | operators::LESS_EQUALS
            | operators::GREATER
            | operators::GREATER_EQUALS => (&[Integer, Integer], Boolean),
            operators::CONDITIONAL => return self.conditional(arguments, depth),
            operators::IN => return self.membership(arguments, depth),
            other => return Err(RuleFault::NotPermitted(format!("{other:?}"))),
        };
        let mut kinds = Vec::with_capacity(arguments.len());
        for argument in arguments {
            kinds.push(self.kind(argument, depth)?);
        }
        match kinds == wanted {
            true => Ok(answer),
            false => Err(RuleFault::Type(format!(
                "{name:?} stands between what it cannot join"
            ))),
        }
    }

    fn conditional(&mut self, arguments: &[IdedExpr], depth: usize) -> Result<Kind, RuleFault> {
        let [condition, then, otherwise] = arguments else {
            return Err(RuleFault::NotPermitted("?:".to_owned()));
        };
        let condition = self.kind(condition, depth)?;
        let (then, otherwise) = (self.kind(then, depth)?, self.kind(otherwise, depth)?);
        match condition == Kind::Boolean && then == otherwise {
            true => Ok(then),
            false => Err(RuleFault::Type(
                "both ends of ?: are of one kind, and what decides is true or false".to_owned(),
            )),
        }
    }

    fn membership(&mut self, arguments: &[IdedExpr], depth: usize) -> Result<Kind, RuleFault> {
        let [one, of] = arguments else {
            return Err(RuleFault::NotPermitted("in".to_owned()));
        };
        let Expr::List(list) = &of.expr else {
            return Err(RuleFault::Type(
                "`in` is followed by a list of numbers".to_owned(),
            ));
        };
        let mut all_numbers = self.kind(one, depth)? == Kind::Integer;
        for element in &list.elements {
            all_numbers &= self.kind(element, depth)? == Kind::Integer;
        }
        match all_numbers && list.optional_indices.is_empty() {
            true => Ok(Kind::Boolean),
            false => Err(RuleFault::Type(
                "`in` is followed by a list of numbers".to_owned(),
            )),
        }
    }
}
