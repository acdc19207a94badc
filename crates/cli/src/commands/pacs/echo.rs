//! `vesalius pacs echo`.

use super::super::Result;
use super::explained;
use super::peer::{Connected, Peer};
use crate::interrupt::followed;
use std::time::Instant;
use vesalius::pacs::{Level, Query};

/// Arguments of `vesalius pacs echo`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    peer: Peer,
}

/// Asks for an answer.
pub fn run(arguments: &Arguments) -> Result<()> {
    let time = match arguments.peer.connected()? {
        Connected::Dimse(client) => client.echo(&followed()).map_err(explained)?,
        Connected::Web(client) => {
            let started = Instant::now();
            let query = Query::new(Level::Study);
            client.find(&query, 1, &followed()).map_err(explained)?;
            started.elapsed()
        }
    };
    out!("it answers, in {:.0} ms", 1e3 * time.as_secs_f64());
    Ok(())
}
