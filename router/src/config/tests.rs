//! The configuration as an operator meets it: what each mistake is answered with, and which source wins.

use std::path::Path;

use super::apply::{Loaded, apply};
use super::raw::{Assignment, Fault, KeyPath, Origin, Raw};
use super::{Config, check, dev, document, environment, file};

fn read(text: &str) -> Result<Loaded, Vec<Fault>> {
    apply([file::assignments(Path::new("ringway.toml"), text)?])
}

fn env(variables: &[(&str, &str)]) -> Result<Vec<Assignment>, Vec<Fault>> {
    environment::assignments(variables.iter().map(|(name, value)| (name.to_string(), value.to_string())))
}

fn lines(faults: Vec<Fault>) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// What production says to this file.
fn production(text: &str) -> String {
    lines(check::check(&read(text).unwrap(), false))
}

#[test]
fn every_mistake_is_answered_with_place_fault_and_remedy() {
    for (text, answer) in [
        (
            "[clients]\nlisten = \"0.0.0.0\"",
            "ringway.toml:2: clients.listen = \"0.0.0.0\": \"0.0.0.0\" is no IP address with a port: write it like \"0.0.0.0:7400\" or \"[::]:7400\"",
        ),
        (
            "[clients]\nheartbeat = 25",
            "ringway.toml:2: clients.heartbeat = 25: must be a time with its unit: \"250ms\", \"5s\", \"10m\", \"1h\" or \"2d\"",
        ),
        (
            "[clients]\nheartbeat = \"1ms\"",
            "ringway.toml:2: clients.heartbeat = \"1ms\": must be from \"1s\" to \"10m\"",
        ),
        (
            "[limits]\n\nsessions_max = 0",
            "ringway.toml:3: limits.sessions_max = 0: must be from 1 to 4000000",
        ),
        (
            "[limits]\nsessions_max = 1.5",
            "ringway.toml:2: limits.sessions_max is a fraction: must be a whole number, without quotes or unit",
        ),
        (
            "[limits]\noutbox_bytes_max = \"1MB\"",
            "ringway.toml:2: limits.outbox_bytes_max = \"1MB\": must be a size with its unit: \"512B\", \"64KiB\", \"4MiB\" or \"2GiB\"",
        ),
        (
            "[limits]\nsession_max = 5",
            "ringway.toml:2: unknown key limits.session_max: did you mean sessions_max?",
        ),
        (
            "[node]\nanonymous = true",
            "ringway.toml:2: unknown key node.anonymous: did you mean clients.anonymous?",
        ),
        (
            "[tls]\nkafka = true",
            "ringway.toml:2: unknown key tls.kafka: [tls] has mode, listen, certificate_file, key_file",
        ),
        ("[client]\nlisten = \"\"", "ringway.toml:2: unknown section [client]: did you mean [clients]?"),
        (
            "[kafka]\nbrokers = 1",
            "ringway.toml:2: unknown section [kafka]: there are [node], [clients], [tls], [quic], [tokens], [http], [limits], [cluster], [links], [drain], [log], [namespaces.NAME]",
        ),
        (
            "listen = \"\"",
            "ringway.toml:1: listen stands outside of a section: write it below one, as in [clients]",
        ),
        (
            "[namespaces.chat]\njoin = \"user\"",
            "ringway.toml:2: namespaces.chat.join = \"user\": must be one of \"anyone\", \"users\", \"granted\": did you mean \"users\"?",
        ),
        (
            "[namespaces.Chat]\njoin = \"users\"",
            "ringway.toml:1: \"Chat\" can't name a namespace: use 1 to 32 of a-z, 0-9, _ and -\nringway.toml:2: \"Chat\" can't name a namespace: use 1 to 32 of a-z, 0-9, _ and -",
        ),
        (
            "[namespaces]\nchat = 1",
            "ringway.toml:2: namespaces.chat must be a section: write [namespaces.chat]",
        ),
        ("[node]\nshards = 0", "ringway.toml:2: node.shards = 0: must be \"auto\" or a number from 1 to 256"),
        (
            "[node]\ncores = \"3-1\"",
            "ringway.toml:2: node.cores = \"3-1\": must be \"auto\" or cores like \"0,2-3\", each at most 1023 and named once",
        ),
        (
            "[node]\nspin = \"1s\"",
            "ringway.toml:2: node.spin = \"1s\": must be \"auto\" or a time up to \"10ms\", like \"50us\"",
        ),
        (
            "[clients]\nanonymous = \"true\"",
            "ringway.toml:2: clients.anonymous = \"true\": must be true or false, without quotes",
        ),
        (
            "[clients]\ntrusted_proxies = \"10.0.0.0/40\"",
            "ringway.toml:2: clients.trusted_proxies = \"10.0.0.0/40\": \"10.0.0.0/40\" is no network: write it like \"10.0.0.0/8\" or \"fd00::/8\"",
        ),
    ] {
        assert_eq!(lines(read(text).expect_err(text)), answer);
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let faults = read("[clients]\nlisten = 1\nheartbeet = \"5s\"\n[drain]\ndelay = 5\n").unwrap_err();
    assert_eq!(faults.len(), 3);
}

#[test]
fn an_environment_variable_that_names_no_key_is_refused_with_its_name() {
    let faults = apply([env(&[("RINGWAY__CLIENTS__LISTNE", "x"), ("HOME", "/")]).unwrap()]).unwrap_err();
    assert_eq!(lines(faults), "RINGWAY__CLIENTS__LISTNE: unknown key clients.listne: did you mean listen?");
    let faults = env(&[("RINGWAY__LISTEN", "x"), ("RINGWAY__NAMESPACES__CHAT", "x")]).unwrap_err();
    assert_eq!(
        lines(faults),
        "RINGWAY__LISTEN: names no key: write it RINGWAY__SECTION__KEY or RINGWAY__NAMESPACES__NAME__KEY\n\
         RINGWAY__NAMESPACES__CHAT: names no key: write it RINGWAY__SECTION__KEY or RINGWAY__NAMESPACES__NAME__KEY"
    );
}

#[test]
fn the_environment_wins_over_the_file_and_a_flag_over_both() {
    let written = file::assignments(
        Path::new("r.toml"),
        "[drain]\ndelay = \"1s\"\nspread = \"1s\"\nflush = \"1s\"\n[namespaces.chat]\njoin = \"anyone\"\n",
    );
    let variables = env(&[
        ("RINGWAY__DRAIN__SPREAD", "2s"),
        ("RINGWAY__DRAIN__FLUSH", "2s"),
        ("RINGWAY__NAMESPACES__CHAT__JOIN", "granted"),
    ]);
    let flag = Assignment {
        path: KeyPath::new("drain", "flush"),
        raw: Raw::Loose("3s".into()),
        origin: Origin::Flag { name: "--set" },
    };
    let loaded = apply([written.unwrap(), variables.unwrap(), vec![flag]]).unwrap();
    let drain = &loaded.config.drain;
    assert_eq!((drain.delay.as_ms(), drain.spread.as_ms(), drain.flush.as_ms()), (1_000, 2_000, 3_000));
    assert_eq!(loaded.config.namespaces["chat"].join, ringway_core::settings::Admission::Granted);
    assert_eq!(loaded.origin("drain", "spread").to_string(), "RINGWAY__DRAIN__SPREAD");
    assert_eq!(loaded.origin("drain", "delay").to_string(), "r.toml:2");
}

#[test]
fn lists_from_the_environment_are_split_at_commas() {
    let loaded = apply([env(&[("RINGWAY__CLIENTS__LISTEN", "127.0.0.1:1, [::1]:2")]).unwrap()]).unwrap();
    assert_eq!(loaded.config.clients.listen.0.len(), 2);
}

#[test]
fn production_refuses_what_is_not_safe_each_in_one_line() {
    let safe = "[tls]\nmode = \"off\"\n[tokens]\nkey_files = \"a\"\n";
    assert_eq!(production(safe), "");
    for (text, answer) in [
        (
            "",
            "default: tls.mode = \"on\" needs tls.certificate_file: set it, or say tls.mode = \"off\" where something before Ringway ends TLS\n\
             default: tls.mode = \"on\" needs tls.key_file: set it, or say tls.mode = \"off\" where something before Ringway ends TLS\n\
             default: no client could come in: set tokens.key_files, or clients.anonymous = true",
        ),
        (
            "[tls]\nmode = \"self-signed\"\n[clients]\nanonymous = true",
            "ringway.toml:2: tls.mode = \"self-signed\" is for development: use --dev, or tls.mode = \"on\" with certificate and key",
        ),
        (
            "[tls]\nlisten = \"0.0.0.0:443\"\ncertificate_file = \"c\"\nkey_file = \"k\"\n[clients]\nanonymous = true",
            "default: clients.listen = \"0.0.0.0:7400\" is not encrypted while tls.listen is set: keep it on loopback, or say tls.mode = \"off\"",
        ),
        (
            "[tls]\nmode = \"off\"\n[clients]\nanonymous = true\norigins = \"example.com/x\"\n[http]\nlisten = \"0.0.0.0:7480\"\nhosts = [\"a b\"]",
            "ringway.toml:7: http.listen = \"0.0.0.0:7480\" is not loopback and the API has no token: set http.token_file, or listen on 127.0.0.1\n\
             ringway.toml:5: clients.origins: \"example.com/x\" is no origin: write \"https://example.org\", \"https://*.example.org\" or \"*\"\n\
             ringway.toml:8: http.hosts: \"a b\" is no host name: write it like \"ringway.internal\" or \"ringway.internal:7480\"",
        ),
        (
            "[tls]\nmode = \"off\"\n[clients]\nanonymous = true\nframe_bytes_max = \"1MiB\"\n[limits]\noutbox_bytes_max = \"1MiB\"\n[log]\nfilter = \"a=b=c\"\n[namespaces.x]\nreliable = false\nlatest = false\nunreliable = false",
            "ringway.toml:7: limits.outbox_bytes_max = \"1MiB\" can't hold two frames of clients.frame_bytes_max = \"1MiB\": raise it to \"2MiB\" or more\n\
             ringway.toml:9: log.filter = \"a=b=c\" is no filter: write it like \"info\" or \"info,ringway=debug\"\n\
             ringway.toml:11: namespaces.x has no lane: set reliable, latest or unreliable to true",
        ),
        (
            "[tls]\nmode = \"off\"\n[clients]\nanonymous = true\n[node]\nshards = 4\ncores = \"0-1\"\n[http]\nlisten = \"0.0.0.0:7400\"\ntoken_file = \"t\"",
            "ringway.toml:9: http.listen = \"0.0.0.0:7400\": clients listen there already; choose another port\n\
             ringway.toml:6: node.shards = 4 and node.cores names 2: name one core for each shard, or set node.shards = \"auto\"",
        ),
    ] {
        assert_eq!(production(text), answer);
    }
}

#[test]
fn a_cluster_says_everything_that_is_missing() {
    let alone = "[tls]\nmode = \"off\"\n[clients]\nanonymous = true\n";
    let etcd = format!("{alone}[cluster]\ncoordinator = \"etcd\"\n");
    let good = format!(
        "{etcd}endpoints = \"http://etcd-1:2379\"\n[links]\nadvertise = \"10.0.0.1:7410\"\ncertificate_file = \"a\"\nca_file = \"b\"\n"
    );
    assert_eq!(production(&good), "");
    for (text, answer) in [
        (
            etcd,
            "default: cluster.coordinator = \"etcd\" needs cluster.endpoints: name etcd's members, like \"https://10.0.0.1:2379\"\n\
             default: cluster.coordinator = \"etcd\" needs links.certificate_file: set it to the node-N.pem of `ringway pki issue`\n\
             default: cluster.coordinator = \"etcd\" needs links.ca_file: set it to the ca.pem of `ringway pki init`\n\
             default: links.listen = \"0.0.0.0:7410\" is no address that other nodes could dial: set links.advertise, like \"10.0.0.1:7410\"",
        ),
        (
            good.replace("http:", "https:"),
            "default: cluster.endpoints: \"https://etcd-1:2379\" is https and there is no cluster.etcd_ca_file: set it to the authority that signed etcd's certificate",
        ),
        (
            good.replace("http://", ""),
            "ringway.toml:7: cluster.endpoints: \"etcd-1:2379\" is no URL of a host and port: write it like \"https://10.0.0.1:2379\" or \"http://etcd-1:2379\"",
        ),
        (
            good.replace(
                "[links]",
                "ttl = \"400ms\"\nuser = \"u\"\nprefix = \"a b\"\netcd_key_file = \"k\"\n[links]",
            ),
            "default: cluster.etcd_key_file is set without cluster.etcd_certificate_file: both or none\n\
             default: cluster.user is set without cluster.password_file: both or none\n\
             default: cluster.etcd_certificate_file is for https, and there is no cluster.etcd_ca_file: set it\n\
             ringway.toml:10: cluster.prefix = \"a b\" can't begin keys: use 1 to 128 letters, digits and any of / - _ .\n\
             ringway.toml:8: cluster.ttl = \"400ms\" less cluster.margin = \"100ms\" is not more than two of cluster.beat = \"150ms\": one lost renewal would end a lease; raise ttl or lower beat",
        ),
        (
            format!("{good}[node]\nstate_dir = \"\"\n"),
            "ringway.toml:13: a node of a cluster must remember its map over a restart: set node.state_dir",
        ),
        (
            format!("{alone}[cluster]\nendpoints = \"http://a:1\"\n[namespaces.chat]\nreplicas = 2\n"),
            "ringway.toml:6: cluster.endpoints is set and cluster.coordinator is \"none\": say cluster.coordinator = \"etcd\", or empty it\n\
             ringway.toml:8: namespaces.chat.replicas = 2 needs a second node and cluster.coordinator is \"none\": set it to 1, or say cluster.coordinator = \"etcd\"",
        ),
    ] {
        assert_eq!(production(&text), answer);
    }
}

#[test]
fn development_is_loopback_only_and_otherwise_needs_no_configuration() {
    let given = file::assignments(Path::new("r.toml"), "[clients]\nlisten = \"0.0.0.0:7400\"\n").unwrap();
    let loaded = apply([dev::profile(given.iter()), given]).unwrap();
    assert_eq!(
        lines(check::check(&loaded, true)),
        "r.toml:2: clients.listen = \"0.0.0.0:7400\": --dev serves loopback only; use 127.0.0.1, or run without --dev"
    );
    assert_eq!(loaded.config.tls.listen.0[0].port(), 0, "a second node's TLS door must not collide");
    let plain = apply([dev::profile([].iter())]).unwrap();
    assert_eq!(lines(check::check(&plain, true)), "");
    assert!(!check::check(&plain, false).is_empty());
}

#[test]
fn the_reference_with_its_keys_uncommented_is_the_defaults() {
    let reference = document::reference();
    let uncommented: String = reference
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(key) if !key.starts_with(' ') && key.contains(" = ") => format!("{key}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let loaded = read(&uncommented).unwrap();
    assert_eq!(loaded.config, Config::default());
    let keys: usize = loaded.config.sections().iter().map(|(_, section)| section.keys().len()).sum();
    assert_eq!(loaded.origins.len(), keys, "every key is in it");
    assert_eq!(read(&reference).unwrap().config, Config::default());
}

#[test]
fn the_committed_reference_is_the_one_that_the_program_prints() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("ringway.toml");
    let committed = std::fs::read_to_string(&path).unwrap();
    let mend = "renew it: cargo run -- config show --defaults > router/ringway.toml";
    assert!(committed == document::reference(), "router/ringway.toml is not what the keys say; {mend}");
}

#[test]
fn what_show_prints_reads_back_as_the_same_configuration() {
    let loaded =
        read("[clients]\norigins = [\"https://a.example\", \"*\"]\n[namespaces.chat]\nkey_ttl = \"90s\"\n")
            .unwrap();
    let shown = document::effective(&loaded);
    assert!(shown.contains("origins = [\"https://a.example\", \"*\"]  # ringway.toml:2"), "{shown}");
    assert_eq!(read(&shown).unwrap().config, loaded.config);
}

#[test]
fn a_file_that_is_not_toml_names_the_line() {
    let fault = lines(read("[clients]\nlisten = \"a\nanonymous = true\n").unwrap_err());
    assert!(fault.starts_with("ringway.toml:2: not valid TOML: "), "{fault}");
}
