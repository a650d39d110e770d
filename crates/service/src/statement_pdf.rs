//! A statement as PDF: A4 pages with a summary, then each asset's entries in a table whose head is repeated on every page.
//!
//! Set in fonts that every reader has, so the file holds no font and its text can be copied and searched. The same statement
//! gives the same bytes: no time of making, nothing random. Knows no database; what it is given has been added up.

use crate::statement::{AssetView, Subject};
use ensoex_exchange::EntryView;
use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str, TextStr};

const PAGE_WIDTH: f32 = 595.0;
const PAGE_HEIGHT: f32 = 842.0;
const LEFT: f32 = 48.0;
const RIGHT: f32 = PAGE_WIDTH - 48.0;
const TOP: f32 = PAGE_HEIGHT - 56.0;
/// Nothing but the page's foot stands below.
const BOTTOM: f32 = 64.0;
const LINE: f32 = 13.0;
const TEXT_SIZE: f32 = 8.0;
const SMALL_SIZE: f32 = 6.0;
const GRAY: f32 = 0.4;
const REGULAR: Name<'static> = Name(b"R");
const BOLD: Name<'static> = Name(b"B");

/// Right ends of the columns of numbers, and where the texts begin.
const KIND_AT: f32 = LEFT + 104.0;
const AMOUNT_END: f32 = RIGHT - 108.0;
const TOTAL_END: f32 = RIGHT;

/// Pages that are filled from the top.
struct Pages {
    done: Vec<Content>,
    page: Content,
    y: f32,
}

/// The document.
pub(crate) fn pdf(subject: &Subject, assets: &[AssetView]) -> Vec<u8> {
    let mut pages = Pages {
        done: Vec::new(),
        page: Content::new(),
        y: TOP,
    };
    head(&mut pages, subject);
    summary(&mut pages, assets);
    for asset in assets {
        table(&mut pages, asset);
    }
    let title = format!("EnsoEx statement of account {}", subject.statement.account);
    pages.finish(&title)
}

fn head(pages: &mut Pages, subject: &Subject) {
    let statement = &subject.statement;
    pages.text(BOLD, 18.0, LEFT, "Statement");
    pages.right(BOLD, 11.0, RIGHT, "EnsoEx");
    pages.down(24.0);
    let from = subject
        .from
        .as_deref()
        .filter(|from| !from.is_empty())
        .unwrap_or("the first command");
    let to = subject.to.as_deref().filter(|to| !to.is_empty()).unwrap_or("now");
    let whether = if statement.settled {
        "settled: nothing can be added to it any more".to_owned()
    } else {
        "not settled: the end of the period was not over when this was made".to_owned()
    };
    for (name, value) in [
        ("Account", statement.account.to_string()),
        ("Period", format!("from {from} to {to} (UTC, both included)")),
        (
            "Log",
            format!(
                "commands {} to {}, the last stamped {}",
                statement.first,
                statement.last,
                crate::moment::stamp(statement.at)
            ),
        ),
        ("State", whether),
    ] {
        pages.gray(REGULAR, TEXT_SIZE, LEFT, name);
        pages.text(REGULAR, TEXT_SIZE, LEFT + 60.0, &value);
        pages.down(LINE);
    }
    pages.down(LINE);
}

fn summary(pages: &mut Pages, assets: &[AssetView]) {
    let ends = [LEFT + 190.0, LEFT + 310.0, LEFT + 410.0, RIGHT];
    pages.text(BOLD, 11.0, LEFT, "Balances");
    pages.down(LINE + 4.0);
    let head = |pages: &mut Pages| {
        pages.gray(REGULAR, TEXT_SIZE, LEFT, "Asset");
        for (end, name) in ends
            .into_iter()
            .zip(["Opening", "Closing", "of it held", "Entries"])
        {
            pages.gray_right(TEXT_SIZE, end, name);
        }
        pages.rule();
    };
    head(pages);
    for asset in assets {
        if pages.is_full(1) {
            pages.turn();
            head(pages);
        }
        pages.text(BOLD, TEXT_SIZE, LEFT, &asset.asset);
        let entries = asset.entries.len().to_string();
        for (end, value) in ends
            .into_iter()
            .zip([&asset.opening, &asset.closing, &asset.held, &entries])
        {
            pages.right(REGULAR, TEXT_SIZE, end, value);
        }
        pages.down(LINE);
    }
    pages.down(LINE);
}

fn table(pages: &mut Pages, asset: &AssetView) {
    // A title alone at a page's end helps nobody.
    if pages.is_full(6) {
        pages.turn();
    }
    pages.text(BOLD, 11.0, LEFT, &asset.asset);
    pages.down(LINE + 4.0);
    table_head(pages);
    balance(pages, "Opening balance", &asset.opening);
    for entry in &asset.entries {
        if pages.is_full(2) {
            pages.turn();
            pages.gray(BOLD, TEXT_SIZE, LEFT, &format!("{}, continued", asset.asset));
            pages.down(LINE);
            table_head(pages);
        }
        row(pages, entry);
    }
    if pages.is_full(1) {
        pages.turn();
        table_head(pages);
    }
    balance(pages, "Closing balance", &asset.closing);
    pages.down(LINE);
}

fn table_head(pages: &mut Pages) {
    pages.gray(REGULAR, TEXT_SIZE, LEFT, "Time (UTC)");
    pages.gray(REGULAR, TEXT_SIZE, KIND_AT, "Entry and reference");
    pages.gray_right(TEXT_SIZE, AMOUNT_END, "Amount");
    pages.gray_right(TEXT_SIZE, TOTAL_END, "Total after");
    pages.rule();
}

fn balance(pages: &mut Pages, name: &str, total: &str) {
    pages.text(BOLD, TEXT_SIZE, KIND_AT, name);
    pages.right(BOLD, TEXT_SIZE, TOTAL_END, total);
    pages.down(LINE);
}

fn row(pages: &mut Pages, entry: &EntryView) {
    pages.text(REGULAR, TEXT_SIZE, LEFT, &entry.at);
    pages.text(REGULAR, TEXT_SIZE, KIND_AT, &entry.kind);
    pages.right(REGULAR, TEXT_SIZE, AMOUNT_END, &entry.amount);
    pages.right(REGULAR, TEXT_SIZE, TOTAL_END, &entry.total);
    pages.down(LINE - 4.0);
    pages.gray(REGULAR, SMALL_SIZE, KIND_AT, &entry.reference);
    pages.down(LINE - 2.0);
}

impl Pages {
    fn is_full(&self, lines: u8) -> bool {
        self.y - f32::from(lines) * LINE < BOTTOM
    }

    fn turn(&mut self) {
        self.done.push(std::mem::replace(&mut self.page, Content::new()));
        self.y = TOP;
    }

    fn down(&mut self, by: f32) {
        self.y -= by;
    }

    fn text(&mut self, font: Name<'_>, size: f32, x: f32, text: &str) {
        put(&mut self.page, (font, size), (x, self.y), text);
    }

    fn gray(&mut self, font: Name<'_>, size: f32, x: f32, text: &str) {
        self.page.set_fill_gray(GRAY);
        self.text(font, size, x, text);
        self.page.set_fill_gray(0.0);
    }

    fn right(&mut self, font: Name<'_>, size: f32, end: f32, text: &str) {
        self.text(font, size, end - width(text, font) * size, text);
    }

    fn gray_right(&mut self, size: f32, end: f32, text: &str) {
        self.gray(REGULAR, size, end - width(text, REGULAR) * size, text);
    }

    /// A line under the heads of a table.
    fn rule(&mut self) {
        let y = self.y - 4.0;
        self.page
            .set_line_width(0.5)
            .move_to(LEFT, y)
            .line_to(RIGHT, y)
            .stroke();
        self.down(LINE + 3.0);
    }

    fn finish(mut self, title: &str) -> Vec<u8> {
        self.turn();
        let (catalog, tree, info, regular, bold) =
            (Ref::new(1), Ref::new(2), Ref::new(3), Ref::new(4), Ref::new(5));
        let ids = |index: usize| {
            let page = i32::try_from(index)
                .unwrap_or(i32::MAX / 4)
                .saturating_mul(2)
                .saturating_add(6);
            (Ref::new(page), Ref::new(page.saturating_add(1)))
        };
        let count = self.done.len();
        let mut pdf = Pdf::new();
        let mut root = pdf.catalog(catalog);
        root.pages(tree).lang(TextStr("en"));
        root.viewer_preferences().display_doc_title(true);
        root.finish();
        pdf.document_info(info)
            .title(TextStr(title))
            .producer(TextStr("EnsoEx"));
        let mut pages = pdf.pages(tree);
        pages
            .kids((0..count).map(|index| ids(index).0))
            .count(i32::try_from(count).unwrap_or(i32::MAX));
        pages.finish();
        for (id, name) in [(regular, "Helvetica"), (bold, "Helvetica-Bold")] {
            let mut font = pdf.type1_font(id);
            font.base_font(Name(name.as_bytes()))
                .encoding_predefined(Name(b"WinAnsiEncoding"));
        }
        for (index, mut content) in self.done.into_iter().enumerate() {
            let foot = format!("Page {} of {count}", index + 1);
            content.set_fill_gray(GRAY);
            put(&mut content, (REGULAR, TEXT_SIZE), (LEFT, 36.0), title);
            let x = RIGHT - width(&foot, REGULAR) * TEXT_SIZE;
            put(&mut content, (REGULAR, TEXT_SIZE), (x, 36.0), &foot);
            let (page_id, content_id) = ids(index);
            let mut page = pdf.page(page_id);
            page.parent(tree)
                .media_box(Rect::new(0.0, 0.0, PAGE_WIDTH, PAGE_HEIGHT))
                .contents(content_id);
            page.resources().fonts().pair(REGULAR, regular).pair(BOLD, bold);
            page.finish();
            pdf.stream(content_id, &content.finish());
        }
        pdf.finish()
    }
}

fn put(page: &mut Content, (font, size): (Name<'_>, f32), (x, y): (f32, f32), text: &str) {
    page.begin_text()
        .set_font(font, size)
        .next_line(x, y)
        .show(Str(&encoded(text)))
        .end_text();
}

/// In the encoding that the fonts are told to have. What it cannot say is shown as a question mark.
fn encoded(text: &str) -> Vec<u8> {
    let byte = |letter: char| match letter {
        ' '..='~' => letter as u8,
        '\u{a0}'..='\u{ff}' => u8::try_from(u32::from(letter)).unwrap_or(b'?'),
        _ => b'?',
    };
    text.chars().map(byte).collect()
}

/// Width of a text at size 1. Only texts of these letters are set against a right edge; any other letter counts as wide.
fn width(text: &str, font: Name<'_>) -> f32 {
    let bold = font == BOLD;
    let thousandths = |letter: char| match letter {
        '0'..='9' => 556.0,
        '.' | ',' | ' ' => 278.0,
        '-' => 333.0,
        'a' | 'e' | 'g' => 556.0,
        'c' | 's' => {
            if bold {
                556.0
            } else {
                500.0
            }
        }
        'i' | 'l' => {
            if bold {
                278.0
            } else {
                222.0
            }
        }
        'd' | 'h' | 'n' | 'o' | 'p' | 'u' => {
            if bold {
                611.0
            } else {
                556.0
            }
        }
        'f' => {
            if bold {
                333.0
            } else {
                278.0
            }
        }
        't' => {
            if bold {
                333.0
            } else {
                278.0
            }
        }
        'r' => {
            if bold {
                389.0
            } else {
                333.0
            }
        }
        'm' => {
            if bold {
                889.0
            } else {
                833.0
            }
        }
        'A' | 'P' | 'E' => 667.0,
        'C' => 722.0,
        'T' => 611.0,
        'O' => 778.0,
        'x' => {
            if bold {
                556.0
            } else {
                500.0
            }
        }
        _ => 722.0,
    };
    text.chars().map(thousandths).sum::<f32>() / 1_000.0
}
