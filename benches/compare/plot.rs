//! A plot of bars: groups of them, each with its median and its spread. Plain SVG, without a library: it is rectangles and text.

use std::fmt::Write as _;

const WIDTH: f64 = 760.0;
const LEFT: f64 = 90.0;
const RIGHT: f64 = 120.0;
const BAR: f64 = 16.0;
const GAP: f64 = 6.0;
const HEADING: f64 = 34.0;
const COLOURS: [&str; 4] = ["#9aa0a6", "#1a5fb4", "#c64600", "#5e5c64"];

/// A title, and bars below it: a name each, with least, median and most, in microseconds.
pub type Group = (String, Vec<(String, [f64; 3])>);

/// Groups of bars.
pub fn bars(groups: &[Group]) -> String {
    let all = || groups.iter().flat_map(|(_, bars)| bars);
    let most = all().map(|(_, [_, _, most])| *most).fold(1.0, f64::max);
    let scale = (WIDTH - LEFT - RIGHT) / most;
    let height: f64 = groups.iter().map(|(_, bars)| HEADING + bars.len() as f64 * (BAR + GAP)).sum::<f64>() + 30.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let mut at = 0.0;
    for (title, bars) in groups {
        let _ = writeln!(
            svg,
            "<text x=\"{LEFT}\" y=\"{:.1}\" font-weight=\"bold\">{}</text>",
            at + HEADING - 10.0,
            plain(title)
        );
        at += HEADING;
        for (number, (name, [least, middle, most])) in bars.iter().enumerate() {
            let colour = COLOURS[number % COLOURS.len()];
            let text = at + BAR - 4.0;
            let (left, middle_at, right) = (LEFT + least * scale, LEFT + middle * scale, LEFT + most * scale);
            let across = at + BAR / 2.0;
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{text:.1}\" text-anchor=\"end\">{}</text>\n\
                 <rect x=\"{LEFT}\" y=\"{at:.1}\" width=\"{:.1}\" height=\"{BAR}\" fill=\"{colour}\"/>\n\
                 <line x1=\"{left:.1}\" x2=\"{right:.1}\" y1=\"{across:.1}\" y2=\"{across:.1}\" stroke=\"black\"/>\n\
                 <text x=\"{:.1}\" y=\"{text:.1}\">{middle:.2}</text>",
                LEFT - 8.0,
                plain(name),
                middle_at - LEFT,
                right.max(middle_at) + 6.0
            );
            at += BAR + GAP;
        }
    }
    let _ = write!(
        svg,
        "<text x=\"{LEFT}\" y=\"{:.1}\" fill=\"#555\">microseconds of CPU a query: median, and a line from the least to the most</text>\n</svg>\n",
        at + 18.0
    );
    svg
}

/// Text that stands for itself in XML.
fn plain(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
