//! SIGHUP before there is anything to do.

use crate::program::{Program, config, eventually};
use crate::server::Server;

const ONE: &str = "[\"example.org\"]";
const TWO: &str = "[\"example.org\", \"example.com\"]";

#[test]
fn a_standby_uses_what_it_followed_once_it_has_the_lease() {
    let (server, own) = (Server::start(), Server::start());
    let lease = "[lease]\nenabled = true";
    let mut holder = Program::start(&config(server.port(), ONE, lease));
    holder.says("started");
    let database = holder.folder().join("registrations.db");
    let here = |hosts: &str| {
        let text = config(own.port(), hosts, lease);
        text.replace("registrations.db", &database.display().to_string())
    };
    let mut standby = Program::start(&here(ONE));
    standby.says("standing by");
    standby.reload(&here(TWO), "configuration reloaded");
    assert!(!standby.log().contains("started"), "{}", standby.log());
    assert_eq!(holder.stop().code(), Some(0), "{}", holder.log());
    standby.says("hosts=\"example.org, example.com\"");
    eventually(
        || own.has("example.com"),
        || "example.com is not greeted".to_owned(),
    );
    assert_eq!(standby.stop().code(), Some(0), "{}", standby.log());
}

#[test]
fn without_a_server_it_is_followed_all_the_same() {
    // Nobody listens there.
    let mut program = Program::start(&config(1, ONE, ""));
    program.says("not connected");
    program.reload(&config(1, TWO, ""), "applied=\"component.hosts\"");
    program.signal("HUP");
    program.says("configuration reloaded: nothing changes");
    assert_eq!(program.stop().code(), Some(0), "{}", program.log());
}

/// Its database takes connections and says nothing.
#[cfg(feature = "postgres")]
#[test]
fn it_is_followed_before_the_store_is_reached() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let server = Server::start();
    let store =
        format!("backend = \"postgres\"\nurl = \"postgres://u:hunter2@127.0.0.1:{port}/d\"");
    let with = |hosts: &str| {
        let pool = "[store.pool]\nwait_timeout = \"5s\"\nconnect_timeout = \"5s\"";
        let text = config(server.port(), hosts, pool);
        text.replace("url = \"registrations.db\"", &store)
    };
    let mut program = Program::start(&with(ONE));
    // From the first connection on it waits for an answer.
    let _connection = silent.accept().unwrap();
    program.reload(&with(TWO), "configuration reloaded");
    assert!(!program.log().contains("started"), "{}", program.log());
    program.says("hosts=\"example.org, example.com\"");
    eventually(
        || server.has("example.com"),
        || "example.com is not greeted".to_owned(),
    );
    assert_eq!(program.stop().code(), Some(0), "{}", program.log());
}
