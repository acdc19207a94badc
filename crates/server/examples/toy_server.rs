//! The server with an engine that thresholds, to try the page without a model:
//!
//! ```sh
//! cargo run -p vesalius-server --example toy_server -- /tmp/spool 8080
//! ```

mod toy;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use vesalius_server::{Access, Limits, Listen, NoDelivery, Queue, Token, Workers, bind};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: toy_server FOLDER [PORT] [MILLISECONDS A WINDOW]";
    let spool = PathBuf::from(arguments.next().ok_or(usage)?);
    let port = arguments.next().map_or(Ok(8080), |port| port.parse())?;
    let pause = arguments.next().map_or(Ok(200), |pause| pause.parse())?;
    let engine = toy::Toy {
        pause: Duration::from_millis(pause),
    };
    let queue = Queue::open(&spool, Arc::new(engine), Limits::default())?;
    let _workers = Workers::start(&queue, Arc::new(NoDelivery))?;
    let token = Token::random()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let access = Access::local(token.clone());
        let server = bind(queue, &Listen::local(port), access).await?;
        println!("http://{}/#token={}", server.address(), token.as_str());
        server.serve(std::future::pending()).await;
        Ok(())
    })
}
