//! The text of `/help`, from the catalogue.

use proto::{Catalogue, State};

/// Help on the command `about`, or on all that can be done in `state`.
///
/// # Errors
/// There is no such command; says which one may be meant.
pub(crate) fn text(
    catalogue: &Catalogue,
    state: State,
    about: Option<&str>,
) -> Result<String, String> {
    let Some(name) = about else {
        let mut text = proto::overview(catalogue, state);
        text.push_str(match catalogue.bare(state) {
            Some(_) => "Any other line is said in the room; //x says /x.",
            None => "/help COMMAND says more about one.",
        });
        return Ok(text);
    };
    match (catalogue.find(name), catalogue.nearest(name)) {
        (Some(command), _) => Ok(proto::page(command).trim_end().to_owned()),
        (None, Some(near)) => {
            Err(format!("there is no command /{name}: did you mean /{}?", near.spec.name))
        }
        (None, None) => Err(format!("there is no command /{name}")),
    }
}
