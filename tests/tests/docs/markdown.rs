//! As much of Markdown as the documents use.

/// The lines outside of fenced blocks.
pub(crate) fn prose(text: &str) -> String {
    let mut inside = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if !inside {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    prose
}

/// The code spans of the prose, in order.
pub(crate) fn code_spans(text: &str) -> Vec<String> {
    let prose = prose(text);
    let spans = prose.split('`').skip(1).step_by(2);
    spans.map(str::to_owned).collect()
}

/// The cells of the tables' rows, heads and rulers left out.
pub(crate) fn rows(text: &str) -> Vec<Vec<String>> {
    let prose = prose(text);
    let rows = prose.lines().filter(|line| line.starts_with("| "));
    rows.map(|row| {
        let cells = row.trim().trim_matches('|').split(" | ");
        cells.map(|cell| cell.trim().to_owned()).collect()
    })
    .collect()
}

/// What a cell says when it is one code span.
pub(crate) fn code(cell: &str) -> Option<&str> {
    cell.strip_prefix('`')?
        .strip_suffix('`')
        .filter(|code| !code.contains('`'))
}

/// The targets of the links `[text](target)`.
pub(crate) fn links(text: &str) -> Vec<String> {
    let prose = prose(text);
    let targets = prose
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'));
    targets.map(|(target, _)| target.to_owned()).collect()
}

/// The names that links to a heading use.
pub(crate) fn anchors(text: &str) -> Vec<String> {
    let prose = prose(text);
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|heading| anchor(heading.trim_start_matches('#').trim()))
        .collect()
}

/// Lower case, spaces as hyphens, no punctuation.
fn anchor(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c })
        .collect::<String>()
        .to_lowercase()
}

#[test]
fn an_anchor_is_made_as_the_forges_make_it() {
    let text = "## 5. Who has push?\n```sh\n# no heading\n```\n";
    assert_eq!(anchors(text), ["5-who-has-push"]);
}

#[test]
fn a_row_has_cells_and_a_link_has_a_target() {
    let text = "| `a.b` | x \\| y | [z](w.md#v) |\n|---|---|---|\n";
    assert_eq!(rows(text)[0][0], "`a.b`");
    assert_eq!(code("`a.b`"), Some("a.b"));
    assert_eq!(links(text), ["w.md#v"]);
}
