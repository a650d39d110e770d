//! Statements that are written down once, so that all of them can be prepared on both databases by one test.

use crate::error::SqlError;
use crate::value::Value;
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};
use std::collections::HashSet;
use std::sync::OnceLock;

/// A statement of a store, made by [`statements!`](crate::statements).
#[derive(Clone, Copy, Debug)]
pub struct Statement {
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

impl Statement {
    /// For [`statements!`](crate::statements) only.
    #[doc(hidden)]
    pub const fn listed(name: &'static str, sqlite: &'static str, postgres: &'static str) -> Statement {
        Statement {
            name,
            sqlite,
            postgres,
        }
    }

    /// Its name in the source.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Its next parameter.
    pub fn bind(self, value: impl Into<Value>) -> Query {
        Query::from(self).bind(value)
    }
}

/// The statements of one module.
#[derive(Debug)]
pub struct Statements {
    /// Each statement.
    #[doc(hidden)]
    pub all: &'static [Statement],
    /// Each family.
    #[doc(hidden)]
    pub families: &'static [&'static Family],
}

/// Statements of which the text depends on what is asked for. `examples` yields one of every form that can occur.
#[derive(Debug)]
pub struct Family {
    name: &'static str,
    examples: fn() -> Vec<Query>,
    texts: OnceLock<HashSet<String>>,
}

impl Family {
    /// For [`statements!`](crate::statements) only.
    #[doc(hidden)]
    pub const fn listed(name: &'static str, examples: fn() -> Vec<Query>) -> Family {
        Family {
            name,
            examples,
            texts: OnceLock::new(),
        }
    }

    /// Begins a statement of this family.
    pub fn begin(&'static self, text: &'static str) -> Builder {
        Builder {
            family: self,
            text: text.to_owned(),
            values: Vec::new(),
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn texts(&self) -> &HashSet<String> {
        self.texts.get_or_init(|| {
            let text = |query: Query| match query.text {
                Text::Listed(statement) => statement.sqlite.to_owned(),
                Text::Composed { text, .. } | Text::Table(text) => text,
            };
            (self.examples)().into_iter().map(text).collect()
        })
    }
}

/// A statement being composed of fixed pieces and parameters. Its text is the same for both databases.
#[derive(Debug)]
pub struct Builder {
    family: &'static Family,
    text: String,
    values: Vec<Value>,
}

impl Builder {
    /// The next piece of text.
    pub fn push(&mut self, text: &'static str) -> &mut Builder {
        self.text.push_str(text);
        self
    }

    /// The next parameter.
    pub fn bind(&mut self, value: impl Into<Value>) -> &mut Builder {
        self.values.push(value.into());
        self.text.push('$');
        self.text.push_str(&self.values.len().to_string());
        self
    }

    /// The statement, complete.
    pub fn build(self) -> Query {
        Query {
            text: Text::Composed {
                family: self.family,
                text: self.text,
            },
            values: self.values,
        }
    }
}

/// A statement with its parameters.
#[derive(Debug)]
pub struct Query {
    text: Text,
    values: Vec<Value>,
}

#[derive(Debug)]
enum Text {
    Listed(Statement),
    Composed { family: &'static Family, text: String },
    Table(String),
}

impl From<Statement> for Query {
    fn from(statement: Statement) -> Query {
        Query {
            text: Text::Listed(statement),
            values: Vec::new(),
        }
    }
}

/// Which database a text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

impl Query {
    /// Reads a table by names that come from its store's migrations.
    pub(crate) fn of_tables(text: String) -> Query {
        Query {
            text: Text::Table(text),
            values: Vec::new(),
        }
    }

    /// Its next parameter.
    pub fn bind(mut self, value: impl Into<Value>) -> Query {
        self.values.push(value.into());
        self
    }

    /// It cannot change anything.
    pub(crate) fn reads_only(&self) -> bool {
        let text = match &self.text {
            Text::Listed(statement) => statement.sqlite,
            Text::Composed { text, .. } | Text::Table(text) => text,
        };
        let first = text.trim_start().get(..6).unwrap_or_default();
        first.eq_ignore_ascii_case("SELECT")
    }

    /// Text and parameters for a database.
    pub(crate) fn parts(self, dialect: Dialect) -> Result<(SqlStr, Vec<Value>), SqlError> {
        if self.values.iter().any(Value::has_zero_byte) {
            return Err(SqlError::ZeroByte);
        }
        let text = match self.text {
            Text::Listed(statement) => statement.text(dialect).into_sql_str(),
            Text::Composed { family, text } => {
                if cfg!(debug_assertions) && !family.texts().contains(&text) {
                    let family = family.name;
                    return Err(SqlError::Unlisted { family, text });
                }
                AssertSqlSafe(text).into_sql_str()
            }
            Text::Table(text) => AssertSqlSafe(text).into_sql_str(),
        };
        Ok((text, self.values))
    }
}

impl Statement {
    pub(crate) fn text(&self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgres => self.postgres,
        }
    }
}

/// Writes down the statements of a module: constants of type [`Statement`], statics of type [`Family`], and under the first
/// name the list of them all, which a [`Store`](crate::Store) has to name.
///
/// ```
/// ensoex_sql::statements! {
///     STATEMENTS;
///     ADD = "INSERT INTO notes (id, body) VALUES ($1, $2)";
///     NOW = sqlite "SELECT unixepoch()", postgres "SELECT EXTRACT(EPOCH FROM now())::BIGINT";
///     family SEARCH = search_examples;
/// }
/// fn search_examples() -> Vec<ensoex_sql::Query> {
///     vec![SEARCH.begin("SELECT body FROM notes").build()]
/// }
/// # assert_eq!(format!("{:?}", STATEMENTS).is_empty(), false);
/// # let _ = (ADD, NOW);
/// ```
#[macro_export]
macro_rules! statements {
    ($list:ident; $($rest:tt)*) => {
        $crate::statements!(@next $list [] [] $($rest)*);
    };
    (@next $list:ident [$($name:ident)*] [$($family:ident)*]) => {
        /// Every statement of this module.
        pub(crate) static $list: $crate::Statements = $crate::Statements {
            all: &[$($name),*],
            families: &[$(&$family),*],
        };
    };
    (@next $list:ident [$($names:ident)*] [$($families:ident)*] family $name:ident = $examples:path; $($rest:tt)*) => {
        static $name: $crate::Family = $crate::Family::listed(stringify!($name), $examples);
        $crate::statements!(@next $list [$($names)*] [$($families)* $name] $($rest)*);
    };
    (@next $list:ident [$($names:ident)*] [$($families:ident)*]
     $name:ident = sqlite $sqlite:literal, postgres $postgres:literal; $($rest:tt)*) => {
        const $name: $crate::Statement = $crate::Statement::listed(stringify!($name), $sqlite, $postgres);
        $crate::statements!(@next $list [$($names)* $name] [$($families)*] $($rest)*);
    };
    (@next $list:ident [$($names:ident)*] [$($families:ident)*] $name:ident = $text:literal; $($rest:tt)*) => {
        const $name: $crate::Statement = $crate::Statement::listed(stringify!($name), $text, $text);
        $crate::statements!(@next $list [$($names)* $name] [$($families)*] $($rest)*);
    };
}
