//! The page for people: what is in force. One document, without scripts and without anything from elsewhere.

use std::fmt::{self, Display, Write};
use std::sync::OnceLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::status::{InForce, Readiness, Status};

const STYLE: &str = "\
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}\
body{max-width:60rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}\
table{border-collapse:collapse;width:100%}\
th,td{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #8886}\
td.number,th.number{text-align:right}\
code{overflow-wrap:anywhere}\
pre{white-space:pre-wrap;overflow-wrap:anywhere}\
.state{padding:.5rem .75rem;border-left:.4rem solid #2a7d46}\
.state.bad{border-color:#b3261e}";

/// What a browser may do with the page: apply its one style sheet, known by its hash.
pub(super) fn content_security_policy() -> &'static str {
    static POLICY: OnceLock<String> = OnceLock::new();
    POLICY.get_or_init(|| {
        let hash = STANDARD.encode(Sha256::digest(STYLE));
        format!(
            "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
    })
}

/// The page.
pub(super) fn render(status: &Status, readiness: &Readiness) -> String {
    let mut page = String::with_capacity(4096);
    // Writing to a string does not fail.
    let _ = write_page(&mut page, status, readiness);
    page
}

fn write_page(page: &mut String, status: &Status, readiness: &Readiness) -> fmt::Result {
    let node = Escaped(&status.node);
    write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{node}: Cordon</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<h1>{node}</h1>\n"
    )?;
    if readiness.is_ready() {
        page.push_str("<p class=\"state\">Ready: queries are answered and logged.</p>\n");
    } else {
        page.push_str("<div class=\"state bad\"><p>Not ready:</p>\n<ul>\n");
        for missing in &readiness.missing {
            writeln!(page, "<li>{}</li>", Escaped(missing))?;
        }
        page.push_str("</ul></div>\n");
    }
    page.push_str("<table>\n");
    row(page, "Version", status.version)?;
    row(page, "Serving for", Span(status.now.since(status.started)))?;
    let addresses: Vec<String> = status.listen.dns.iter().map(ToString::to_string).collect();
    row(page, "DNS on", addresses.join(", "))?;
    row(page, "This page on", status.listen.admin)?;
    match &status.last_reload {
        None => row(page, "Last reload", "none since start")?,
        Some(reload) => {
            let ago = Span(status.now.since(reload.at));
            let result = if reload.error.is_some() { "failed; what was in force before still is" } else { "done" };
            row(page, "Last reload", format_args!("{ago} ago, at {}: {result}", reload.at))?;
        }
    }
    page.push_str("</table>\n");
    if let Some(error) = status.last_reload.as_ref().and_then(|reload| reload.error.as_deref()) {
        write!(page, "<h2>Why the last reload failed</h2>\n<pre>{}</pre>\n", Escaped(error))?;
    }
    match &status.in_force {
        None => page.push_str("<h2>In force</h2>\n<p>Nothing is loaded yet.</p>\n"),
        Some(in_force) => write_in_force(page, status, in_force)?,
    }
    page.push_str(
        "<h2>More</h2>\n<ul>\n<li><a href=\"/metrics\">Metrics</a></li>\n\
         <li><a href=\"/api/v1/status\">This page as JSON</a></li>\n\
         <li><a href=\"/api/v1/openapi.json\">Description of the API</a></li>\n</ul>\n</body>\n</html>\n",
    );
    Ok(())
}

fn write_in_force(page: &mut String, status: &Status, in_force: &InForce) -> fmt::Result {
    page.push_str("<h2>In force</h2>\n<table>\n");
    row(page, "Generation", in_force.generation)?;
    row(page, "Since", format_args!("{} ({})", in_force.since, Span(status.now.since(in_force.since))))?;
    row(page, "Configuration", in_force.config.path.display())?;
    row(page, "Its SHA-256", &in_force.config.sha256)?;
    page.push_str("</table>\n<h2>Network zones</h2>\n<table>\n<tr><th>Network zone</th><th>Policy</th></tr>\n");
    for zone in &in_force.network_zones {
        row(page, &zone.name, &zone.policy)?;
    }
    page.push_str(
        "</table>\n<h2>Lists</h2>\n<table>\n<tr><th>List</th><th class=\"number\">Rules</th>\
         <th class=\"number\">Refused lines</th><th class=\"number\">Age</th><th>Last update</th></tr>\n",
    );
    for list in &in_force.lists {
        let age = list.age_seconds.and_then(|age| Duration::try_from_secs_f64(age).ok());
        let age = age.map_or_else(|| String::from("not known"), |age| Span(age).to_string());
        writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td class=\"number\">{}</td><td class=\"number\">{}</td>\
             <td class=\"number\">{age}</td><td>{}</td></tr>",
            Escaped(&list.list),
            list.entries,
            list.refused_lines,
            Escaped(in_force.renewals.get(&list.list).map_or("-", |renewal| &renewal.result))
        )?;
    }
    page.push_str("</table>\n");
    Ok(())
}

fn row(page: &mut String, head: impl Display, cell: impl Display) -> fmt::Result {
    let head = head.to_string();
    let cell = cell.to_string();
    writeln!(page, "<tr><th scope=\"row\">{}</th><td><code>{}</code></td></tr>", Escaped(&head), Escaped(&cell))
}

/// A span of time as people say it: its two greatest units.
struct Span(Duration);

impl Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match seconds {
            0..60 => write!(f, "{seconds} s"),
            60..3_600 => write!(f, "{} min {} s", seconds / 60, seconds % 60),
            3_600..86_400 => write!(f, "{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
            _ => write!(f, "{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
        }
    }
}

/// Text that may hold anything, as HTML shows it in an element or a quoted attribute.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_said_in_their_two_greatest_units() {
        let said = |seconds| Span(Duration::from_secs(seconds)).to_string();
        assert_eq!(said(59), "59 s");
        assert_eq!(said(61), "1 min 1 s");
        assert_eq!(said(7_260), "2 h 1 min");
        assert_eq!(said(90_000), "1 d 1 h");
    }

    #[test]
    fn markup_in_a_text_is_shown_and_not_obeyed() {
        assert_eq!(Escaped("<a href='x'>&\"").to_string(), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
    }
}
