//! Commands of our own that change how a script goes on: settings, and files of lines.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use proto::State;

use super::Runner;
use crate::check::check;
use crate::exit::{Exit, Failure};
use crate::settings::Setting;
use crate::source::{Line, Script};
use crate::talk;

/// How deep files may name files; one that names itself has no end.
pub(crate) const SOURCE_DEPTH_MAX: usize = 8;

impl Runner<'_> {
    pub(super) fn set(&mut self, setting: Setting) {
        match setting {
            Setting::Timeout(time) => self.session.set_timeout(time),
            Setting::Color(colour) => self.manner.style = self.manner.style.coloured(colour),
            // They are for the prompt.
            Setting::Bell(_) | Setting::Clock(_) | Setting::History(_) => {}
        }
    }

    /// Says what is set: all that counts in a script, or this one.
    pub(super) fn show_settings(&mut self, name: Option<&str>) -> Result<(), Failure> {
        match name {
            None => {
                self.show_settings(Some("timeout"))?;
                self.result(&format!("server: {}", self.session.entrance().address))
            }
            Some("timeout") => {
                let timeout = self.session.timeout().as_secs_f64();
                self.result(&format!("timeout: {timeout} s"))
            }
            Some("color") => {
                let colour = self.manner.style.colour.name();
                self.result(&format!("color: {colour}"))
            }
            Some(name) => self.result(&format!("{name}: only at the prompt")),
        }
    }

    /// Does the lines of a file, if there is nothing wrong in it.
    pub(super) async fn source(
        &mut self,
        file: &Path,
        state: State,
    ) -> Result<ControlFlow<()>, Failure> {
        let name = file.display().to_string();
        if self.depth == SOURCE_DEPTH_MAX {
            let message = format!("{name}: files that name files, {SOURCE_DEPTH_MAX} deep");
            return Err(Failure::new(Exit::Refused, message));
        }
        let script = Script::open(file).map_err(|why| Failure::new(Exit::Refused, why))?;
        let catalogue = Arc::clone(&self.session.book().catalogue);
        let problems = check(&script, &catalogue, state, self.manner.keeps_going);
        problems.iter().for_each(|problem| talk::report(&problem.report()));
        if !problems.is_empty() {
            return Err(Failure::new(Exit::Refused, format!("{name}: nothing of it was done")));
        }
        self.depth += 1;
        let outcome = self.lines_of(&script.lines, &name).await;
        self.depth -= 1;
        outcome
    }

    pub(super) async fn lines_of(
        &mut self,
        lines: &[Line],
        name: &str,
    ) -> Result<ControlFlow<()>, Failure> {
        for line in lines {
            let done = self.line(line).await;
            let place = format!("{name}: line {}", line.number);
            if done.map_err(|failure| failure.while_doing(&place))?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}
