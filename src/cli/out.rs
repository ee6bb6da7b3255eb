//! What a command prints: text for people, aligned and coloured only on a terminal, or JSON, one object a line.

use std::io::{self, Write};

use serde::Serialize;

use crate::app::Failure;

/// Standard output of a command.
pub struct Out {
    json: bool,
    to: Box<dyn Write>,
    beside: Box<dyn Write>,
    /// Whether an object was printed.
    spoken: bool,
}

impl Out {
    /// To standard output; `json` when the person asked for it.
    pub fn stdout(json: bool) -> Out {
        let to = Box::new(anstream::AutoStream::auto(io::stdout()));
        Out { json, to, beside: Box::new(anstream::AutoStream::auto(io::stderr())), spoken: false }
    }

    /// To any writer, for tests.
    pub fn to(json: bool, to: impl Write + 'static) -> Out {
        Out { json, to: Box::new(to), beside: Box::new(io::sink()), spoken: false }
    }

    /// Whether JSON was asked for.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// One line of text.
    pub fn line(&mut self, text: impl std::fmt::Display) -> io::Result<()> {
        writeln!(self.to, "{text}")
    }

    /// A word about the answer that is not part of it, such as that there are more rows: a line of text; with JSON it goes to standard
    /// error, where no program takes it for an object.
    pub fn note(&mut self, text: impl std::fmt::Display) -> io::Result<()> {
        let to = if self.json { &mut self.beside } else { &mut self.to };
        writeln!(to, "{text}")
    }

    /// What must be noticed beside an answer, whoever reads that: a line on standard error.
    pub fn warning(&mut self, text: impl std::fmt::Display) -> io::Result<()> {
        writeln!(self.beside, "{text}")
    }

    /// With JSON, the object that a command fails by, unless an object it gave says it already.
    pub fn failure(&mut self, failure: &Failure) -> io::Result<()> {
        if !self.json || self.spoken || failure.text.is_empty() {
            return Ok(());
        }
        self.object(&failure.object())?;
        self.flush()
    }

    /// One JSON object on a line of its own.
    pub fn object(&mut self, value: &impl Serialize) -> io::Result<()> {
        self.spoken = true;
        serde_json::to_writer(&mut self.to, value)?;
        self.to.write_all(b"\n")
    }

    /// Rows under a heading, columns aligned by width; the last column is not padded.
    pub fn table(&mut self, heading: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
        let mut widths: Vec<usize> = heading.iter().map(|h| h.chars().count()).collect();
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let bold = anstyle::Style::new().bold();
        let head: Vec<String> = heading.iter().map(|h| h.to_string()).collect();
        writeln!(self.to, "{bold}{}{bold:#}", aligned(&head, &widths))?;
        for row in rows {
            writeln!(self.to, "{}", aligned(row, &widths))?;
        }
        Ok(())
    }

    /// Pushes everything out.
    pub fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

fn aligned(cells: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (i, cell) in cells.iter().enumerate() {
        line.push_str(cell);
        if i + 1 < cells.len() {
            let pad = widths.get(i).map_or(0, |w| w.saturating_sub(cell.chars().count())) + 2;
            line.extend(std::iter::repeat_n(' ', pad));
        }
    }
    line
}
