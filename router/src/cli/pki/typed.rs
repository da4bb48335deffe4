//! `ringway pki …` as typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::pki::issue::DAYS_MAX;

/// `ringway pki …`
#[derive(Debug, Subcommand)]
pub enum Pki {
    /// Make the private authority of a cluster
    Init(Init),
    /// Make or renew the certificate of a node
    Issue(Issue),
    /// Say what certificates say; exit code 1 if one has ended or is none of ours
    Show(Show),
}

/// `ringway pki init`
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Example:
  ringway pki init --dir /root/ringway-pki --cluster game

Makes DIR/ca.pem, which every node gets, and DIR/ca.key, which no node gets: whoever has it can be any node.
It never overwrites. The authority can sign for nodes of this cluster alone.")]
pub struct Init {
    /// Directory of the authority; made with mode 0700
    #[arg(long, value_name = "DIR")]
    pub dir: PathBuf,
    /// The cluster's name: 1 to 63 lower-case letters, digits and hyphens
    #[arg(long, value_name = "NAME")]
    pub cluster: String,
    /// Days that the authority is good
    #[arg(long, value_name = "N", default_value_t = 3_650, value_parser = clap::value_parser!(u32).range(1..=i64::from(DAYS_MAX)))]
    pub days: u32,
}

/// `ringway pki issue`
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  ringway pki issue --dir /root/ringway-pki --node 1
  ringway pki issue --dir /root/ringway-pki --node 1 --replace
  ringway pki issue --dir /root/ringway-pki --node 1 --out /etc/ringway/pki --days 30

Makes node-N.pem (mode 0600) with a new private key and its certificate in one file, so that nobody ever reads a key
and a certificate that don't belong together. It is secret; `ringway pki show` tells what it says.")]
pub struct Issue {
    /// Directory of the authority, with ca.pem and ca.key
    #[arg(long, value_name = "DIR")]
    pub dir: PathBuf,
    /// The node's number
    #[arg(long, value_name = "N")]
    pub node: u64,
    /// Days that the certificate is good
    #[arg(long, value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=i64::from(DAYS_MAX)))]
    pub days: u32,
    /// Directory for node-N.pem [default: that of the authority]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Put it in the place of the one that is there, at once and whole
    #[arg(long)]
    pub replace: bool,
}

/// `ringway pki show`
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  ringway pki show /etc/ringway/pki/*.pem
  ringway pki show --ca ca.pem node-1.pem

Private keys in the files are passed over. Without --ca nothing says that the authority signed them.
Exit codes: 0 good; 1 a certificate has ended, does not begin yet, or is none of ours; 2 a file can't be read.")]
pub struct Show {
    /// Files with certificates
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Also check that this authority signed them
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
}
