//! The arguments as typed. What they mean together with file and environment is decided in `super::load`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use super::pki::Pki;

/// An edge router: clients keep one connection to it, join rooms, and events are routed between them.
#[derive(Debug, Parser)]
#[command(
    name = "ringway",
    version,
    arg_required_else_help = true,
    after_help = "\
Examples:
  ringway serve --dev                     try it: loopback only, anonymous users, a demo page
  ringway config show --defaults          every key of ringway.toml with its text and default
  ringway serve --config ringway.toml     run it
  kill -HUP <pid>                         reload the configuration, all or nothing
  ringway drain                           stop it without losing anybody"
)]
pub struct Typed {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve clients
    Serve(Serve),
    /// Look at the configuration
    #[command(subcommand)]
    Config(Config),
    /// Sign a token for a user
    Token(Token),
    /// Ask the running node to empty itself and stop
    Drain(Drain),
    /// Look at the cluster, as the running node sees it
    #[command(subcommand)]
    Cluster(Cluster),
    /// Certificates by which the nodes of a cluster know each other
    #[command(subcommand)]
    Pki(Pki),
    /// Say which version this is
    Version,
}

/// Where the configuration comes from.
#[derive(Args, Clone, Debug, Default)]
pub struct Sources {
    /// Configuration file [default: ./ringway.toml, then /etc/ringway/ringway.toml, if there is one]
    #[arg(long, short, value_name = "FILE", env = "RINGWAY_CONFIG")]
    pub config: Option<PathBuf>,
    /// Development: loopback only, anonymous users, demo page, /echo, a self-signed certificate
    #[arg(long)]
    pub dev: bool,
    /// Any key of the configuration, like `--set limits.sessions_max=1000`; may be repeated
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    pub set: Vec<String>,
}

/// `ringway serve`
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "\
Examples:
  ringway serve --dev
  ringway serve --dev --shards 2 --listen 127.0.0.1:7500 --http 127.0.0.1:7580
  ringway serve --config /etc/ringway/ringway.toml --cores 2-5
  RINGWAY__CLIENTS__LISTEN=0.0.0.0:443 ringway serve

Stop it with SIGTERM (drains first, as `ringway drain` does) or SIGINT (twice: at once). SIGHUP reloads.")]
pub struct Serve {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub sources: Sources,
    /// Threads that serve clients: auto or a number [node.shards]
    #[arg(long, value_name = "auto|N")]
    pub shards: Option<String>,
    /// Cores to pin them to, like 0,2-3 [node.cores]
    #[arg(long, value_name = "LIST")]
    pub cores: Option<String>,
    /// Address for clients; several with commas [clients.listen]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// Address for health, metrics, API and pages [http.listen]
    #[arg(long, value_name = "ADDR")]
    pub http: Option<String>,
    /// How shards talk to the kernel [node.runtime]
    #[arg(long, value_name = "auto|io_uring|epoll")]
    pub runtime: Option<String>,
    /// TLS for clients [tls.mode]
    #[arg(long, value_name = "on|off")]
    pub tls: Option<String>,
    /// Directory for what survives a restart [node.state_dir]
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<String>,
    /// What is logged, like info or info,ringway=debug [log.filter]
    #[arg(long, value_name = "FILTER")]
    pub log: Option<String>,
    /// How it is logged [log.format]
    #[arg(long, value_name = "auto|human|json")]
    pub log_format: Option<String>,
    /// The coordinator lost its data: begin above all terms that this node remembers (docs/operating/cluster.md)
    #[arg(long)]
    pub raise_terms: bool,
}

/// `ringway config …`
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Say what is wrong with the configuration, or that nothing is
    #[command(after_help = "Example:\n  ringway config check --config ringway.toml && kill -HUP <pid>")]
    Check(Sources),
    /// Print the configuration in force, and where each value was written
    #[command(after_help = "\
Examples:
  ringway config show --config ringway.toml
  ringway config show --dev
  ringway config show --defaults > ringway.toml")]
    Show {
        /// Where the configuration comes from.
        #[command(flatten)]
        sources: Sources,
        /// Print the reference instead: every key with its text and default, commented out
        #[arg(long)]
        defaults: bool,
    },
}

/// `ringway token`
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  ringway token --sub alice
  ringway token --sub alice --ttl 1h --room 'chat:*=join,publish' --room 'news:*=join'
  ringway token --sub alice --info '{\"name\":\"Alice\"}' --key-file token.key

The token goes to stdout, alone: TOKEN=$(ringway token --sub alice)")]
pub struct Token {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub sources: Sources,
    /// The user
    #[arg(long, value_name = "USER")]
    pub sub: String,
    /// How long the token is good
    #[arg(long, value_name = "TIME", default_value = "1h")]
    pub ttl: String,
    /// A grant, as ROOM=join,publish; a trailing * stands for any rest; may be repeated
    #[arg(long, value_name = "GRANT")]
    pub room: Vec<String>,
    /// JSON about the user, for member lists of namespaces with member_info
    #[arg(long, value_name = "JSON")]
    pub info: Option<String>,
    /// File with the secret to sign with [default: the first of tokens.key_files]
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
}

/// `ringway cluster …`
#[derive(Debug, Subcommand)]
pub enum Cluster {
    /// How this node stands in the cluster
    #[command(after_help = "Example:\n  ringway cluster status --config /etc/ringway/ringway.toml")]
    Status(Ask),
    /// Who owns which slots
    #[command(after_help = "\
Examples:
  ringway cluster map
  ringway cluster map --format json | jq '.[] | select(.owner == null)'")]
    Map(Ask),
    /// Which nodes there are
    #[command(after_help = "Example:\n  ringway cluster nodes")]
    Nodes(Ask),
}

/// How to ask a running node.
#[derive(Args, Clone, Debug)]
pub struct Ask {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub sources: Sources,
    /// The node's HTTP address [default: http.listen]
    #[arg(long, value_name = "ADDR")]
    pub http: Option<String>,
    /// File with the API's token [default: http.token_file]
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// How answers are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// As the API gives it.
    Json,
}

/// `ringway drain`
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  ringway drain
  ringway drain --http 127.0.0.1:7480 --token-file /etc/ringway/api.token

The node answers at once and ends when the last client is gone. Against a node in --dev give the token that it
printed: RINGWAY_API_TOKEN=… ringway drain")]
pub struct Drain {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub sources: Sources,
    /// The node's HTTP address [default: http.listen]
    #[arg(long, value_name = "ADDR")]
    pub http: Option<String>,
    /// File with the API's token [default: http.token_file]
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
}
