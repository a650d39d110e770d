//! What the plain pages say around the documents, in each language.

use ensoex_policy::{DocumentKind, Language};

/// The words of a language.
pub(super) struct Words {
    titles: [&'static str; 3],
    abouts: [&'static str; 3],
    pub(super) documents: &'static str,
    pub(super) lead: &'static str,
    pub(super) version: &'static str,
    pub(super) effective: &'static str,
    pub(super) published: &'static str,
    pub(super) summary: &'static str,
    pub(super) hash: &'static str,
    pub(super) check_hash: &'static str,
    pub(super) all_versions: &'static str,
    pub(super) versions_lead: &'static str,
    pub(super) in_force: &'static str,
    pub(super) in_force_version: &'static str,
    pub(super) to_come: &'static str,
    pub(super) waits: &'static str,
    pub(super) what_changes: &'static str,
    pub(super) what_changed: &'static str,
    pub(super) not_in_force: &'static str,
    pub(super) read_in_force: &'static str,
    pub(super) read: &'static str,
    pub(super) from: &'static str,
    pub(super) to: &'static str,
    pub(super) compare: &'static str,
    pub(super) added: &'static str,
    pub(super) removed: &'static str,
    pub(super) unchanged: &'static str,
    pub(super) nothing_changed: &'static str,
    pub(super) log_told: &'static str,
    pub(super) log: &'static str,
    pub(super) head: &'static str,
    pub(super) not_here: &'static str,
    pub(super) no_version: &'static str,
    pub(super) no_document: &'static str,
    pub(super) languages: &'static str,
    pub(super) skip: &'static str,
    pub(super) no_trace: &'static str,
}

impl Words {
    /// A document's name.
    pub(super) fn title(&self, kind: DocumentKind) -> &'static str {
        self.titles[place(kind)]
    }

    /// What a document says.
    pub(super) fn about(&self, kind: DocumentKind) -> &'static str {
        self.abouts[place(kind)]
    }
}

const fn place(kind: DocumentKind) -> usize {
    match kind {
        DocumentKind::Terms => 0,
        DocumentKind::Privacy => 1,
        DocumentKind::Glossary => 2,
    }
}

/// The words of this language.
pub(super) const fn words(language: Language) -> &'static Words {
    match language {
        Language::English => &ENGLISH,
        Language::Ukrainian => &UKRAINIAN,
    }
}

static ENGLISH: Words = Words {
    titles: ["Terms of Use", "Privacy Policy", "Glossary"],
    abouts: [
        "What you may expect from us, and we from you.",
        "What we know about you, why, for how long, and who sees it.",
        "The words of both documents, each defined once.",
    ],
    documents: "Documents",
    lead: "Terms, Policy and glossary are published together, as one version with one hash.",
    version: "Version",
    effective: "In force from",
    published: "Published",
    summary: "What changed",
    hash: "Hash",
    check_hash: "The hash names the exact text: two people who see the same hash read the same documents.",
    all_versions: "All versions",
    versions_lead: "A published version never changes. Each is a line of a public log, whose signed head anybody can keep.",
    in_force: "in force",
    in_force_version: "In force: version",
    to_come: "published, not yet in force",
    waits: "A next version was published. It takes effect on",
    what_changes: "What changes",
    what_changed: "What changed",
    not_in_force: "This version is not in force.",
    read_in_force: "Read the one that is",
    read: "Read",
    from: "From version",
    to: "to version",
    compare: "Compare",
    added: "added",
    removed: "removed",
    unchanged: "Unchanged paragraphs:",
    nothing_changed: "Nothing that is read changed here.",
    log_told: "Keep the signed head, and check later that the log continues it:",
    log: "the log",
    head: "its signed head",
    not_here: "There is nothing here",
    no_version: "No such version was published.",
    no_document: "There is no such document. There are the Terms, the Policy and the glossary.",
    languages: "Language",
    skip: "Skip to the content",
    no_trace: "This page sets no cookie and keeps no record of you.",
};

static UKRAINIAN: Words = Words {
    titles: ["Умови використання", "Політика конфіденційності", "Словник"],
    abouts: [
        "Чого ви можете очікувати від нас, а ми від вас.",
        "Що ми про вас знаємо, навіщо, як довго і хто це бачить.",
        "Слова обох документів, кожне визначене один раз.",
    ],
    documents: "Документи",
    lead: "Умови, Політика і словник оприлюднюють разом, як одна версія з одним гешем.",
    version: "Версія",
    effective: "Чинна з",
    published: "Оприлюднено",
    summary: "Що змінилося",
    hash: "Геш",
    check_hash: "Геш називає точний текст: двоє людей, які бачать той самий геш, читають ті самі документи.",
    all_versions: "Усі версії",
    versions_lead: "Оприлюднена версія ніколи не змінюється. Кожна є рядком відкритого журналу, підписану вершину якого може зберегти будь-хто.",
    in_force: "чинна",
    in_force_version: "Чинна версія",
    to_come: "оприлюднена, ще не чинна",
    waits: "Оприлюднено наступну версію. Вона набуде чинності",
    what_changes: "Що зміниться",
    what_changed: "Що змінилося",
    not_in_force: "Ця версія не чинна.",
    read_in_force: "Прочитати чинну",
    read: "Читати",
    from: "Від версії",
    to: "до версії",
    compare: "Порівняти",
    added: "додано",
    removed: "вилучено",
    unchanged: "Незмінних абзаців:",
    nothing_changed: "Тут не змінилося нічого, що читають.",
    log_told: "Збережіть підписану вершину й перевірте згодом, що журнал її продовжує:",
    log: "журнал",
    head: "його підписана вершина",
    not_here: "Тут нічого немає",
    no_version: "Такої версії не оприлюднювали.",
    no_document: "Такого документа немає. Є Умови, Політика і словник.",
    languages: "Мова",
    skip: "Перейти до змісту",
    no_trace: "Ця сторінка не ставить файлів cookie й нічого про вас не записує.",
};
