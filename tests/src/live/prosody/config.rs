//! What a Prosody for tests is made of, and how that reads in its own language.

use std::path::PathBuf;
use std::time::Duration;

use super::ProsodyPorts;
use crate::live::home::Home;
use crate::live::repository;
use crate::live::resumption;
use crate::live::slot::{SECRET, Slot};

/// The modules that every host of the tests has. `smacks` and `carbons` are what a mobile client expects.
const HOST_MODULES: &[&str] = &[
    "roster",
    "saslauth",
    "disco",
    "private",
    "blocklist",
    "register",
    "user_account_management",
    "ping",
    "offline",
    "smacks",
    "carbons",
    "csi",
    "pep",
    "admin_shell",
];

/// How a private Prosody differs from the shipped one.
///
/// In the texts `{i}` stands for the slot's number and `{dir}` for the server's folder as the server sees it.
#[derive(Debug, Clone)]
pub struct ProsodyConfig {
    /// How many slots it has.
    pub slots: usize,
    /// Whether the project's module runs on each host, with the slot's component.
    pub adapter: bool,
    /// The component each host's module knows.
    pub adapter_component: String,
    /// On how many slots, the last ones, the module knows both of the slot's components instead.
    pub sharded: usize,
    /// Folders of further modules to install.
    pub plugins: Vec<PathBuf>,
    /// Further modules of every virtual host.
    pub host_modules: Vec<String>,
    /// Further modules of xmpp-push's components, such as `delegation`.
    pub component_modules: Vec<String>,
    /// Further settings of all hosts, in Lua.
    pub settings: String,
    /// Further settings of each virtual host, in Lua.
    pub host_settings: String,
    /// Further files: name and content; one per slot if the name holds `{i}`.
    pub files: Vec<(String, String)>,
    /// Whether messages are archived (XEP-0313).
    pub mam: bool,
    /// Whether it connects to other servers, and listens for them.
    pub s2s: bool,
    /// How long a session can be resumed.
    pub hibernation: Duration,
    /// How long a client may leave a message unacknowledged until the server tells of it.
    pub ack_delay: Duration,
    /// How many messages a user may have stored.
    pub quota: Option<u32>,
    /// `debug`, `info`, `warn` or `error`.
    pub log_level: &'static str,
    /// The system to run the programs of, if not this machine's.
    pub root: Option<PathBuf>,
}

impl Default for ProsodyConfig {
    fn default() -> Self {
        Self {
            slots: 1,
            adapter: false,
            adapter_component: "push{i}.test".to_owned(),
            sharded: 0,
            plugins: Vec::new(),
            host_modules: Vec::new(),
            component_modules: Vec::new(),
            settings: String::new(),
            host_settings: String::new(),
            files: Vec::new(),
            mam: false,
            s2s: false,
            hibernation: resumption::WINDOW,
            ack_delay: Duration::from_secs(4),
            quota: None,
            log_level: "info",
            root: crate::live::server_root(),
        }
    }
}

impl ProsodyConfig {
    /// All folders of modules to install.
    pub(super) fn sources(&self) -> Vec<PathBuf> {
        let adapter = self.adapter.then(|| repository().join("adapters/prosody"));
        adapter
            .into_iter()
            .chain(self.plugins.iter().cloned())
            .collect()
    }

    /// The further files, by name.
    pub(super) fn files(&self) -> Vec<(String, String)> {
        let filled = |(name, content): &(String, String)| {
            let slots = if name.contains("{i}") { self.slots } else { 1 };
            let one = |slot: Slot| (slot.fill(name), slot.fill(content));
            (0..slots).map(Slot::new).map(one).collect::<Vec<_>>()
        };
        self.files.iter().flat_map(filled).collect()
    }

    /// The configuration file.
    pub(super) fn render(&self, home: &Home, ports: ProsodyPorts) -> String {
        let folder = home.inside("");
        let mut text = self.global(folder.trim_end_matches('/'), ports);
        for slot in (0..self.slots).map(Slot::new) {
            text.push_str(&self.slot(slot));
        }
        text.replace("{dir}", folder.trim_end_matches('/'))
    }

    fn global(&self, dir: &str, ports: ProsodyPorts) -> String {
        let ProsodyPorts {
            c2s,
            component,
            s2s,
        } = ports;
        format!(
            r#"-- Written for a test; everything is on loopback and nothing is encrypted.
daemonize = false
run_as_root = true
pidfile = "{dir}/prosody.pid"
data_path = "{dir}/data"
certificates = "{dir}/data"
plugin_paths = {{ "{dir}/plugins" }}
admin_socket = "{dir}/prosody.sock"
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {c2s} }}
c2s_direct_tls_ports = {{}}
component_ports = {{ {component} }}
component_interfaces = {{ "127.0.0.1" }}
s2s_ports = {{ {s2s} }}
s2s_direct_tls_ports = {{}}
http_ports = {{}}
https_ports = {{}}
c2s_require_encryption = false
s2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
storage = "internal"
network_backend = "epoll"
allow_registration = true
registration_throttle_max = 1000000
limits = {{}}
smacks_hibernation_time = {hibernation}
smacks_max_ack_delay = {ack_delay}
default_archive_policy = true
archive_store = "archive"
log = {{ {{ levels = {{ min = "{level}" }}, to = "console" }} }}
modules_disabled = {{ {disabled} }}
modules_enabled = {{ {enabled} }}
{quota}
{settings}
"#,
            hibernation = self.hibernation.as_secs_f64(),
            ack_delay = self.ack_delay.as_secs_f64(),
            level = self.log_level,
            disabled = if self.s2s {
                list(["tls", "s2s_auth_certs"])
            } else {
                list(["tls", "s2s", "s2s_auth_certs"])
            },
            enabled = list(self.global_modules()),
            quota = self
                .quota
                .map(|items| format!("storage_archive_item_limit = {items}"))
                .unwrap_or_default(),
            settings = self.settings,
        )
    }

    fn global_modules(&self) -> impl Iterator<Item = &'static str> {
        let mam = self.mam.then_some("mam");
        let s2s = if self.s2s {
            ["s2s", "dialback"].as_slice()
        } else {
            &[]
        };
        HOST_MODULES
            .iter()
            .copied()
            .chain(mam)
            .chain(s2s.iter().copied())
    }

    /// What follows the name of a host or component are its own settings.
    fn slot(&self, slot: Slot) -> String {
        let adapter = self.adapter.then_some("xmpp_push");
        let [component, second] = slot.components();
        let adapter_component = if slot.index() + self.sharded >= self.slots {
            format!("{{ {} }}", list([component.as_str(), second.as_str()]))
        } else {
            list([slot.fill(&self.adapter_component).as_str()])
        };
        format!(
            r#"
VirtualHost "{host}"
modules_enabled = {{ {modules} }}
xmpp_push_component = {adapter_component}
{settings}

Component "{rooms}" "muc"
muc_room_locking = false

Component "{component}"
component_secret = "{SECRET}"
modules_enabled = {{ {component_modules} }}

Component "{second}"
component_secret = "{SECRET}"

Component "{push_service}"
component_secret = "{SECRET}"
"#,
            host = slot.host(),
            modules = list(
                adapter
                    .into_iter()
                    .chain(self.host_modules.iter().map(String::as_str))
            ),
            settings = slot.fill(&self.host_settings),
            rooms = slot.rooms(),
            component_modules = list(self.component_modules.iter().map(String::as_str)),
            push_service = slot.push_service(),
        )
    }
}

fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names
        .into_iter()
        .map(|name| format!("{name:?}"))
        .collect::<Vec<_>>()
        .join(", ")
}
