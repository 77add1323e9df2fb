//! What every section is.

use maud::{Markup, html};

/// A section with its title.
pub(super) fn section(id: &str, title: &str, content: Markup) -> Markup {
    let title_id = format!("{id}-title");
    html! {
        section id=(id) aria-labelledby=(title_id) {
            h2 id=(title_id) { (title) }
            (content)
        }
    }
}
