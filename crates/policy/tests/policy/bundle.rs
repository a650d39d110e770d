//! Bundles: complete, safe and under one hash, or refused with the line at fault.

use ensoex_policy::{Bundle, DOCUMENT_BYTES_MAX, DataTable, DocumentKind, Language, PolicyError, Sources};

use crate::{changed, embedded, table};

fn refused(sources: &Sources) -> PolicyError {
    Bundle::compile(sources, &table()).unwrap_err()
}

/// The error of the English Terms with `addition` as their third line.
fn refused_with(addition: &str) -> PolicyError {
    refused(&changed(Language::English, DocumentKind::Terms, |text| {
        text.replacen('\n', &format!("\n\n{addition}\n"), 1)
    }))
}

/// Mechanism: `crates/policy/src/bundle.rs`
/// Control: what must be in the pages is found in them by the same search that looks for what must not.
#[test]
fn clause_03_terms_policy_and_glossary_are_one_bundle_in_every_language() {
    let bundle = embedded();
    for language in Language::ALL {
        for kind in DocumentKind::ALL {
            let document = bundle.document(language, kind).unwrap();
            assert!(
                document
                    .html
                    .starts_with(&format!("<article lang=\"{}\">", language.code()))
            );
            assert!(!document.title.is_empty());
            for forbidden in [
                "<script",
                "<img",
                "style=",
                "http:",
                "https:",
                "javascript:",
                "glossary:",
                "{{",
            ] {
                assert!(
                    !document.html.contains(forbidden),
                    "{language} {kind} {forbidden}"
                );
            }
        }
    }
    let terms = bundle.document(Language::English, DocumentKind::Terms).unwrap();
    assert!(terms.html.contains(r#"href="glossary#account""#));
    assert!(terms.html.contains(r#"href="privacy""#));
    let glossary = bundle
        .document(Language::Ukrainian, DocumentKind::Glossary)
        .unwrap();
    assert!(glossary.html.contains(r#"<h2 id="user">Користувач</h2>"#));
    let word = |language: Language| {
        bundle
            .terms(language)
            .iter()
            .find(|term| term.id == "receipt")
            .unwrap()
            .word
            .clone()
    };
    assert_eq!(
        (word(Language::English), word(Language::Ukrainian)),
        ("Receipt".into(), "Квитанція".into())
    );
}

/// Mechanism: `crates/policy/src/bundle.rs`
/// Control: with all documents the same sources compile.
#[test]
fn clause_03_no_document_is_published_alone() {
    for language in Language::ALL {
        for kind in DocumentKind::ALL {
            let mut sources = Sources::embedded();
            sources
                .languages
                .get_mut(&language)
                .unwrap()
                .documents
                .remove(&kind);
            assert_eq!(refused(&sources), PolicyError::DocumentMissing { language, kind });
        }
        let mut sources = Sources::embedded();
        sources.languages.remove(&language);
        assert_eq!(refused(&sources), PolicyError::LanguageMissing { language });
    }
}

/// Mechanism: `crates/policy/src/bundle.rs`
/// Control: without the undefined term the same sources compile.
#[test]
fn clause_03_an_undefined_term_is_refused_with_its_line() {
    let error = refused_with("A [Trader](glossary:trader) comes.");
    let (file, term) = ("policy/en/terms.md".to_owned(), "trader".to_owned());
    assert_eq!(error, PolicyError::UndefinedTerm { file, line: 3, term });
    assert_eq!(
        error.to_string(),
        "policy/en/terms.md:3: the glossary does not define the term `trader`"
    );
}

#[test]
fn undefined_terms_after_the_data_table_name_the_line_of_the_file() {
    let mut expected = 0;
    let sources = changed(Language::English, DocumentKind::Privacy, |text| {
        let text = format!("{text}\nA [Trader](glossary:trader).\n");
        expected = text.lines().count();
        text
    });
    assert!(matches!(refused(&sources), PolicyError::UndefinedTerm { line, .. } if line == expected));
}

/// Mechanism: `crates/policy/src/bundle.rs`
/// Control: without the second definition the same sources compile.
#[test]
fn clause_03_a_twice_defined_term_is_refused_with_both_lines() {
    let sources = changed(Language::Ukrainian, DocumentKind::Glossary, |text| {
        format!(
            "# Словник\n\n## Перше {{#user}}\n\nТак.\n\n{}",
            text.replacen("# Словник", "", 1)
        )
    });
    let PolicyError::TwiceDefinedTerm {
        file,
        line,
        line_first,
        term,
    } = refused(&sources)
    else {
        panic!()
    };
    assert_eq!(
        (file.as_str(), line_first, term.as_str()),
        ("policy/uk/glossary.md", 3, "user")
    );
    assert!(line > line_first);
}

#[test]
fn a_term_needs_its_definition_its_identifier_and_every_language() {
    let with = |language, addition: &str| {
        refused(&changed(language, DocumentKind::Glossary, |text| {
            format!("{text}\n{addition}\n")
        }))
    };
    assert!(matches!(
        with(Language::English, "## Word"),
        PolicyError::TermForm { .. }
    ));
    assert!(matches!(
        with(Language::English, "## Word {#word}"),
        PolicyError::TermForm { .. }
    ));
    assert!(matches!(
        with(Language::English, "## Word {#Wo_rd}\n\nIs."),
        PolicyError::TermForm { .. }
    ));
    let PolicyError::TermNotTranslated {
        file, lacking, term, ..
    } = with(Language::English, "## Word {#word}\n\nIs.")
    else {
        panic!()
    };
    assert_eq!(
        (file.as_str(), lacking.as_str(), term.as_str()),
        ("policy/en/glossary.md", "policy/uk/glossary.md", "word")
    );
}

#[test]
fn html_images_and_foreign_links_are_refused_with_their_line() {
    for text in [
        "<script>alert(1)</script>",
        "a <b onclick=\"x\">bold</b> word",
        "<!-- comment -->",
        "![picture](https://example.org/p.png)",
        "[there](https://example.org)",
        "[there](javascript:alert(1))",
        "[there](document:other)",
        "<https://example.org>",
        "[there][x]\n\n[x]: https://example.org",
    ] {
        let error = refused_with(text);
        assert!(
            matches!(error, PolicyError::Unsafe { line: 3, .. }),
            "{text}: {error}"
        );
    }
}

#[test]
fn invisible_and_turning_characters_are_refused() {
    for character in ['\u{202e}', '\u{2066}', '\u{200b}', '\u{feff}', '\u{0}', '\u{1b}'] {
        let error = refused_with(&format!("a{character}b"));
        assert!(
            matches!(error, PolicyError::InvisibleCharacter { line: 3, .. }),
            "{error}"
        );
    }
}

#[test]
fn sizes_and_titles_are_checked() {
    let large = changed(Language::English, DocumentKind::Terms, |text| {
        text.to_owned() + &"x".repeat(10 << 20)
    });
    assert!(matches!(
        refused(&large),
        PolicyError::TooLarge {
            bytes_max: DOCUMENT_BYTES_MAX,
            ..
        }
    ));
    for text in ["", "No title.", "## Second level", "#\n\ntext"] {
        let untitled = changed(Language::English, DocumentKind::Terms, |_| text.to_owned());
        assert!(
            matches!(refused(&untitled), PolicyError::TitleMissing { .. }),
            "{text}"
        );
    }
}

/// Whatever is wrong with a bundle is told with the file and the line at fault, in the words that the operator reads.
/// Mechanism: `crates/policy/src/error.rs`
/// Control: the texts as they are make a bundle.
#[test]
fn clause_03_every_refusal_names_file_and_line() {
    use DocumentKind::{Glossary, Privacy, Terms};
    use Language::{English, Ukrainian};
    assert!(Bundle::compile(&Sources::embedded(), &table()).is_ok(), "control");
    let third = |addition: &str| {
        let addition = format!("\n\n{addition}\n");
        changed(English, Terms, move |text| text.replacen('\n', &addition, 1))
    };
    let last = |language, kind, addition: &str| {
        let (mut line, addition) = (0, addition.to_owned());
        let sources = changed(language, kind, |text| {
            line = text.lines().count() + 2;
            format!("{}\n\n{addition}\n", text.trim_end())
        });
        (sources, line)
    };
    let without = |language, kind| {
        let mut sources = Sources::embedded();
        let documents = &mut sources.languages.get_mut(&language).unwrap().documents;
        documents.remove(&kind);
        sources
    };
    let mut one_language = Sources::embedded();
    one_language.languages.remove(&Ukrainian);
    let line_of = |language, kind, mark: &str| {
        let text = Sources::embedded().languages[&language].documents[&kind]
            .text
            .clone();
        text.lines().position(|line| line == mark).unwrap() + 1
    };
    let (twice, twice_line) = last(English, Glossary, "## Again {#user}\n\nOnce more.");
    let (untranslated, untranslated_line) = last(English, Glossary, "## Word {#word}\n\nIs.");
    let (formless, formless_line) = last(Ukrainian, Glossary, "## Слово");
    let (second_table, second_table_line) = last(Ukrainian, Privacy, "{{data-table}}");
    let (elsewhere, elsewhere_line) = last(English, Terms, "{{recipients}}");
    let table_line = line_of(English, Privacy, "{{data-table}}");
    let inline = changed(English, Privacy, |text| {
        text.replace("{{data-table}}", "See {{data-table}}")
    });
    let long_line = changed(English, Terms, |text| {
        text.replacen('\n', "\n\nA line.\n", 1) + &"x".repeat(10 << 20)
    });
    let many_lines = changed(Ukrainian, Terms, |_| {
        "# T\n".to_owned() + &"0123456\n".repeat(10 << 17)
    });
    let terms_lines = Sources::embedded().languages[&English].documents[&Terms]
        .text
        .lines()
        .count();
    let cases: Vec<(&str, Sources, String)> = vec![
        (
            "an undefined term",
            third("A [Trader](glossary:trader)."),
            "policy/en/terms.md:3: ".into(),
        ),
        (
            "a term defined twice",
            twice,
            format!("policy/en/glossary.md:{twice_line}: "),
        ),
        (
            "a term in one language",
            untranslated,
            format!("policy/en/glossary.md:{untranslated_line}: "),
        ),
        (
            "a term without definition",
            formless,
            format!("policy/uk/glossary.md:{formless_line}: "),
        ),
        (
            "a missing language",
            one_language,
            "policy/uk/terms.md:1: ".into(),
        ),
        (
            "the Policy alone",
            without(English, Terms),
            "policy/en/terms.md:1: ".into(),
        ),
        (
            "the Terms alone",
            without(Ukrainian, Privacy),
            "policy/uk/privacy.md:1: ".into(),
        ),
        (
            "no glossary",
            without(Ukrainian, Glossary),
            "policy/uk/glossary.md:1: ".into(),
        ),
        (
            "a script",
            third("<script>alert(1)</script>"),
            "policy/en/terms.md:3: ".into(),
        ),
        (
            "a handler",
            third("a <b onclick=\"x\">b</b>"),
            "policy/en/terms.md:3: ".into(),
        ),
        (
            "a remote image",
            third("![p](https://example.org/p.png)"),
            "policy/en/terms.md:3: ".into(),
        ),
        (
            "a script as a link",
            third("[t](javascript:alert(1))"),
            "policy/en/terms.md:3: ".into(),
        ),
        (
            "text turned around",
            third("a\u{202e}b"),
            "policy/en/terms.md:3: ".into(),
        ),
        ("an isolate", third("a\u{2066}b"), "policy/en/terms.md:3: ".into()),
        (
            "10 MB in a line",
            long_line,
            format!("policy/en/terms.md:{}: ", terms_lines + 3),
        ),
        (
            "10 MB of lines",
            many_lines,
            format!("policy/uk/terms.md:{}: ", (DOCUMENT_BYTES_MAX - 4) / 8 + 2),
        ),
        (
            "no title",
            changed(English, Terms, |_| "Text.".to_owned()),
            "policy/en/terms.md:1: ".into(),
        ),
        (
            "two data tables",
            second_table,
            format!("policy/uk/privacy.md:{second_table_line}: "),
        ),
        (
            "a data table in a line",
            inline,
            format!("policy/en/privacy.md:{table_line}: "),
        ),
        (
            "recipients elsewhere",
            elsewhere,
            format!("policy/en/terms.md:{elsewhere_line}: "),
        ),
    ];
    for (what, sources, place) in cases {
        let told = refused(&sources).to_string();
        assert!(
            told.starts_with(&place),
            "{what}: {told:?} does not begin with {place:?}"
        );
    }
}

/// Mechanism: `crates/policy/src/bundle.rs`
/// Control: a Policy without the table, with two, or with rows in one language only is refused.
#[test]
fn clause_01_the_policy_holds_the_data_table_in_every_language() {
    let bundle = embedded();
    let privacy = |language| &bundle.document(language, DocumentKind::Privacy).unwrap().html;
    assert!(privacy(Language::English).contains("<td>E-mail address</td>"));
    assert!(privacy(Language::Ukrainian).contains("<td>Адреса електронної пошти</td>"));
    // Cells are text, whatever they hold.
    assert!(privacy(Language::English).contains("<td>to &lt;b&gt;write&lt;/b&gt; | to you</td>"));
    let without = changed(Language::English, DocumentKind::Privacy, |text| {
        text.replace("{{data-table}}", "")
    });
    assert!(matches!(refused(&without), PolicyError::DataTablePlace { .. }));
    let twice = changed(Language::English, DocumentKind::Terms, |text| {
        format!("{text}\n{{{{data-table}}}}\n")
    });
    assert!(matches!(refused(&twice), PolicyError::DataTablePlace { .. }));
    let mut uneven = table();
    uneven.rows.get_mut(&Language::Ukrainian).unwrap().clear();
    for table in [DataTable::default(), uneven] {
        let error = Bundle::compile(&Sources::embedded(), &table).unwrap_err();
        assert!(matches!(error, PolicyError::DataTableRows { .. }));
    }
}

/// Section 8 names the recipients of the register, in every language, and cannot be published without them.
/// Mechanism: `crates/policy/src/data_table.rs`
/// Control: without the place, with two, and with a register that lacks a language it is refused.
#[test]
fn clause_08_the_policy_holds_the_register_of_recipients() {
    let bundle = embedded();
    let privacy = |language| &bundle.document(language, DocumentKind::Privacy).unwrap().html;
    assert!(privacy(Language::English).contains("<td>the mail relay</td>"));
    assert!(privacy(Language::Ukrainian).contains("<td>поштовий сервер</td>"));
    assert!(privacy(Language::English).contains("<td>delivers | messages</td>"));
    let without = changed(Language::Ukrainian, DocumentKind::Privacy, |text| {
        text.replace("{{recipients}}", "")
    });
    assert!(matches!(refused(&without), PolicyError::RecipientsPlace { .. }));
    let twice = changed(Language::English, DocumentKind::Privacy, |text| {
        format!("{text}\n{{{{recipients}}}}\n")
    });
    assert!(matches!(refused(&twice), PolicyError::RecipientsPlace { .. }));
    let mut uneven = table();
    uneven.recipients.remove(&Language::Ukrainian);
    let error = Bundle::compile(&Sources::embedded(), &uneven).unwrap_err();
    assert!(matches!(error, PolicyError::RecipientRows { .. }));
}

/// What the Policy must say, whatever its words: one sentence of each clause.
///
/// Mechanism: `policy/en/privacy.md`
/// Control: a fifteenth section would be found.
#[test]
fn clause_01_the_policy_speaks_to_every_clause() {
    let bundle = embedded();
    for language in Language::ALL {
        let html = &bundle.document(language, DocumentKind::Privacy).unwrap().html;
        for clause in 1..=14 {
            assert!(
                html.contains(&format!("<h2 id=\"section-{clause}\">{clause}. ")),
                "{language} {clause}"
            );
        }
        assert!(!html.contains("<h2 id=\"section-15\">"));
    }
}

#[test]
fn the_hash_changes_with_every_text_and_with_the_data_table_only() {
    let hash = *embedded().hash();
    assert_eq!(hash, *embedded().hash());
    for language in Language::ALL {
        for kind in DocumentKind::ALL {
            let sources = changed(language, kind, |text| text.replacen('.', "!", 1));
            assert_ne!(hash, *Bundle::compile(&sources, &table()).unwrap().hash());
            let line_ends = changed(language, kind, |text| text.replace('\n', "\r\n"));
            assert_eq!(hash, *Bundle::compile(&line_ends, &table()).unwrap().hash());
        }
    }
    let mut other = table();
    other.rows.get_mut(&Language::English).unwrap()[0].retention = "two years".to_owned();
    assert_ne!(
        hash,
        *Bundle::compile(&Sources::embedded(), &other).unwrap().hash()
    );
}
