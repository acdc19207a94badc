//! `vesalius serve`: models as a service, with a queue on disk, an HTTP interface and a web page.

mod engine;
mod log;

use super::Result;
use crate::interrupt::control;
use engine::{Models, Named, Settings};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use vesalius::inferers::ByteSize;
use vesalius::server::{
    Access, Config, Error, LICENCES, Listen, NoDelivery, Setup, TlsFiles, Token, serve,
};
use vesalius::tensor::parse_device;

/// Arguments of `vesalius serve`.
#[derive(clap::Args)]
pub struct Arguments {
    /// A model folder as `predict` takes it, under its own name or another (NAME=FOLDER); may be given several times
    #[arg(long, value_name = "FOLDER")]
    model: Vec<Named>,
    /// The address; other machines reach addresses besides 127.0.0.1, which need `--token-file`, and `--tls-cert` with
    /// `--tls-key` or `--behind-proxy` [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// The folder of the queue, with all scans and results that it keeps
    #[arg(long, value_name = "FOLDER")]
    spool: Option<PathBuf>,
    /// The file whose first line is the token; without one a new token is made at each start
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// A name of this machine in addresses of the page, besides localhost; may be given several times
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
    /// The certificate, as PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key, as PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// A server before this one encrypts what is sent
    #[arg(long)]
    behind_proxy: bool,
    /// Settings and limits, as YAML; options of the command come before them
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What computes: cpu, cuda[:n], wgpu[:n] or vulkan[:n]; several (`cuda:0,cuda:1`) run as many jobs at one time [default: cpu]
    #[arg(long, value_name = "DEVICE", value_delimiter = ',')]
    device: Vec<String>,
    /// Stay under so much memory in each run, such as 4GiB
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    max_memory: Option<ByteSize>,
    /// Models that stay in memory, the most recently used ones, on each device
    #[arg(long, value_name = "N", default_value_t = 2)]
    keep: usize,
    /// Print the licences of what the page contains, and end
    #[arg(long)]
    licences: bool,
}

/// Serves until Ctrl-C.
pub fn run(arguments: &Arguments) -> Result<()> {
    if arguments.licences {
        out!("{LICENCES}");
        return Ok(());
    }
    let config = match &arguments.config {
        Some(path) => Config::read(path)?,
        None => Config::default(),
    };
    let control = control();
    let settings = Settings {
        devices: devices(arguments, &config)?,
        max_memory: arguments.max_memory.map(|bytes| bytes.0),
        keep: arguments.keep,
    };
    let engine = Models::open(models(arguments, &config)?, settings, &control)?;
    let (listen, token) = (listen(arguments, &config)?, token(arguments, &config)?);
    let spool = arguments.spool.clone().or(config.spool.clone());
    let setup = Setup {
        spool: spool.ok_or("the queue needs a folder: give it with `--spool FOLDER`, or as `spool` in the settings")?,
        engine: Arc::new(engine),
        delivery: Arc::new(NoDelivery),
        limits: config.limits.checked()?,
        access: Access {
            hosts: config.hosts.iter().chain(&arguments.host).cloned().collect(),
            ..Access::local(token.clone())
        },
        listen: listen.clone(),
    };
    log::begin();
    serve(setup, &control, |address| tell(address, &listen, &token)).map_err(explained)
}

fn tell(address: SocketAddr, listen: &Listen, token: &Token) {
    let scheme = if listen.tls.is_some() {
        "https"
    } else {
        "http"
    };
    match listen.chosen_token {
        true => out!("{scheme}://{address}/ (with the token of its file)"),
        false => out!("{scheme}://{address}/#token={}", token.as_str()),
    }
    note!(
        "for research, not a medical device; Ctrl-C ends it, and what waits goes on at the next start"
    );
    if !listen.is_encrypted() {
        note!("what is sent is not encrypted; only this machine reaches the address");
    }
}

/// The models of the command, or of the settings.
fn models(arguments: &Arguments, config: &Config) -> Result<Vec<Named>> {
    if !arguments.model.is_empty() {
        return Ok(arguments.model.clone());
    }
    let named = config
        .models
        .iter()
        .map(|(name, folder)| Named::new(name, folder));
    let named: Vec<Named> = named.collect();
    match named.is_empty() {
        true => Err(
            "there is no model: give one with `--model FOLDER`, or under `models` in the settings"
                .into(),
        ),
        false => Ok(named),
    }
}

fn devices(arguments: &Arguments, config: &Config) -> Result<Vec<vesalius::tensor::Device>> {
    let of_config = || {
        config
            .device
            .iter()
            .flat_map(|names| names.split(','))
            .map(str::to_owned)
    };
    let mut names: Vec<String> = match arguments.device.is_empty() {
        true => of_config().collect(),
        false => arguments.device.clone(),
    };
    if names.is_empty() {
        names.push("cpu".to_owned());
    }
    let devices: std::result::Result<Vec<_>, _> =
        names.iter().map(|name| parse_device(name.trim())).collect();
    Ok(devices?)
}

fn listen(arguments: &Arguments, config: &Config) -> Result<Listen> {
    let tls = match (&arguments.tls_cert, &arguments.tls_key) {
        (Some(certificate), Some(key)) => Some(TlsFiles {
            certificate: certificate.clone(),
            key: key.clone(),
        }),
        _ => config.tls.clone(),
    };
    let listen = Listen {
        address: arguments
            .listen
            .or(config.listen)
            .unwrap_or(Listen::local(8080).address),
        tls,
        behind_proxy: arguments.behind_proxy || config.behind_proxy,
        chosen_token: arguments.token_file.is_some() || config.token_file.is_some(),
    };
    listen.check().map_err(explained)?;
    Ok(listen)
}

fn token(arguments: &Arguments, config: &Config) -> Result<Token> {
    match arguments.token_file.as_ref().or(config.token_file.as_ref()) {
        Some(path) => Token::read(path).map_err(|error| format!("`--token-file`: {error}").into()),
        None => Ok(Token::random()?),
    }
}

/// An error with what to do about it, in options of this command.
fn explained(error: Error) -> Box<dyn std::error::Error> {
    let remedy = match &error {
        Error::Exposed(_) => {
            "a token is given by `--token-file`, a certificate by `--tls-cert` and `--tls-key`, and another server's by `--behind-proxy`"
        }
        Error::Listen { .. } => "another address is given by `--listen`",
        Error::Locked(_) | Error::Spool { .. } => "another folder is given by `--spool`",
        _ => return error.into(),
    };
    format!("{error}\nhelp: {remedy}").into()
}
