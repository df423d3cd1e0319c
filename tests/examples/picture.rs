//! Draws docs/shells.svg: two people in one room, each at a real chatsh in a terminal of
//! its own, with a real chatd between them. What the terminals show is what is drawn.
//!
//!     cargo build --workspace
//!     cargo run -p tests --example picture > docs/shells.svg

#![allow(clippy::unwrap_used)]

use std::fmt::Write;

use tests::{Server, Terminal};
use vt100::{Cell, Color, Screen};

const ROWS: u16 = 18;
const COLS: u16 = 58;

/// The size of a cell, in pixels.
const CELL_WIDTH: f32 = 8.0;
const CELL_HEIGHT: f32 = 18.0;

/// Between a window's edge and its text, and between windows.
const MARGIN: f32 = 14.0;

/// Above the text of a window: its title.
const TITLE_HEIGHT: f32 = 30.0;

const WINDOW_WIDTH: f32 = COLS as f32 * CELL_WIDTH + 2.0 * MARGIN;
const WINDOW_HEIGHT: f32 = ROWS as f32 * CELL_HEIGHT + TITLE_HEIGHT + MARGIN;

/// The sixteen colours of a terminal, on a dark ground.
const PALETTE: [&str; 16] = [
    "#1c2128", "#ff7b72", "#56d364", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#d0d7de",
    "#6e7681", "#ffa198", "#7ee787", "#f2cc60", "#a5d6ff", "#e2c5ff", "#b3f0ff", "#ffffff",
];
const INK: &str = "#d0d7de";
const GROUND: &str = "#1c2128";

fn main() {
    let server = Server::start();
    let mut harper = Terminal::chatsh(&server, ROWS, COLS, &[]);
    harper.wait_for_text("127.0.0.1> ");
    type_and_see(&mut harper, "/register harper 1234", "Registration successful");
    type_and_see(&mut harper, "/login harper 1234", "harper@lobby> ");
    type_and_see(&mut harper, "/create tech_talk", "created successfully");
    type_and_see(&mut harper, "/enter tech_talk", "harper#tech_talk> ");

    let mut ann = Terminal::chatsh(&server, ROWS, COLS, &[]);
    ann.wait_for_text("127.0.0.1> ");
    type_and_see(&mut ann, "/register ann 5678", "Registration successful");
    type_and_see(&mut ann, "/login ann 5678", "ann@lobby> ");
    type_and_see(&mut ann, "/list", "tech_talk: harper");
    type_and_see(&mut ann, "/enter tech_talk", "ann#tech_talk> ");

    say(&mut harper, "Hello everyone!", &ann);
    say(&mut ann, "Hi harper. Is the build out?", &harper);
    say(&mut harper, "In a minute, two tests are left.", &ann);
    type_and_see(&mut harper, "/msg ann The slow ones.", "harper -> ann: The slow ones.");
    ann.wait_for_text("harper -> ann: The slow ones.");
    // One is still typing when the other speaks.
    harper.type_keys("/msg public ");
    harper.wait_for_text("/msg public ");
    say(&mut ann, "Take your time.", &harper);
    harper.wait_for("the line that is being typed", |screen| screen.contains("> /msg public "));

    let width = 2.0 * WINDOW_WIDTH + MARGIN;
    println!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{WINDOW_HEIGHT}\" \
         viewBox=\"0 0 {width} {WINDOW_HEIGHT}\" font-family=\"ui-monospace, SFMono-Regular, \
         Menlo, Consolas, 'DejaVu Sans Mono', monospace\" font-size=\"13\">"
    );
    println!("<title>Two shells in one room: harper and ann</title>");
    print!("{}", window(0.0, "harper", &harper));
    print!("{}", window(WINDOW_WIDTH + MARGIN, "ann", &ann));
    println!("</svg>");
}

/// Types a line, and waits for what follows from it.
fn type_and_see(shell: &mut Terminal, line: &str, seen: &str) {
    shell.type_keys(&format!("{line}\r"));
    shell.wait_for_text(seen);
    // The next line is typed at the next prompt.
    shell.wait_for_line("a prompt", |line| line.ends_with("> "));
}

/// Says something, and waits until the other one sees it.
fn say(shell: &mut Terminal, text: &str, other: &Terminal) {
    type_and_see(shell, text, text);
    other.wait_for_text(text);
}

fn window(left: f32, title: &str, shell: &Terminal) -> String {
    let middle = WINDOW_WIDTH / 2.0;
    let mut svg = format!(
        "<g transform=\"translate({left} 0)\">\n\
         <rect width=\"{WINDOW_WIDTH}\" height=\"{WINDOW_HEIGHT}\" rx=\"8\" fill=\"{GROUND}\"/>\n\
         <text x=\"{middle}\" y=\"20\" text-anchor=\"middle\" fill=\"{}\">{title}: chatsh</text>\n",
        PALETTE[8]
    );
    shell.look(|screen| {
        (0..ROWS).for_each(|row| draw_row(&mut svg, screen, row));
        let (row, col) = screen.cursor_position();
        let (x, y) = place(row, col);
        let y = y - CELL_HEIGHT + 4.0;
        writeln!(svg, "<rect x=\"{x}\" y=\"{y}\" width=\"{CELL_WIDTH}\" height=\"{CELL_HEIGHT}\" fill=\"{INK}\" opacity=\"0.6\"/>").unwrap();
    });
    svg.push_str("</g>\n");
    svg
}

/// Draws a row: a text for each run of cells that look the same.
fn draw_row(svg: &mut String, screen: &Screen, row: u16) {
    let cells: Vec<&Cell> = (0..COLS).filter_map(|col| screen.cell(row, col)).collect();
    let mut start = 0;
    for run in cells.chunk_by(|a, b| look_of(a) == look_of(b)) {
        let text: String = run
            .iter()
            .filter(|cell| !cell.is_wide_continuation())
            .map(|cell| if cell.has_contents() { cell.contents() } else { " " })
            .collect();
        if !text.trim().is_empty() {
            let (x, y) = place(row, start);
            let width = text.trim_end().chars().count() as f32 * CELL_WIDTH;
            let text = text.trim_end().replace('&', "&amp;").replace('<', "&lt;");
            writeln!(svg, "<text x=\"{x}\" y=\"{y}\" textLength=\"{width}\" xml:space=\"preserve\" {}>{text}</text>", look_of(run[0])).unwrap();
        }
        start += run.len() as u16;
    }
}

/// Where the text of a cell stands.
fn place(row: u16, col: u16) -> (f32, f32) {
    (MARGIN + f32::from(col) * CELL_WIDTH, TITLE_HEIGHT + f32::from(row + 1) * CELL_HEIGHT - 4.0)
}

fn look_of(cell: &Cell) -> String {
    let colour = match cell.fgcolor() {
        Color::Idx(index) if usize::from(index) < PALETTE.len() => {
            PALETTE[usize::from(index)].into()
        }
        Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        _ => INK.to_owned(),
    };
    let weight = if cell.bold() { " font-weight=\"bold\"" } else { "" };
    let opacity = if cell.dim() { " opacity=\"0.6\"" } else { "" };
    format!("fill=\"{colour}\"{weight}{opacity}")
}
