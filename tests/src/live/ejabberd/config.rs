//! What an ejabberd for tests is made of, and how that reads in its own language.

use std::path::PathBuf;
use std::time::Duration;

use super::EjabberdPorts;
use crate::live::repository;
use crate::live::resumption;
use crate::live::slot::{SECRET, Slot};

/// How a private ejabberd differs from the shipped one.
///
/// In the texts `{i}` stands for the slot's number.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a module or a switch of ejabberd's own"
)]
pub struct EjabberdConfig {
    /// How many slots it has.
    pub slots: usize,
    /// Whether the project's module runs on each host, with the slot's component.
    pub adapter: bool,
    /// Further options of that module: `NAME: VALUE`, separated by commas.
    pub adapter_options: String,
    /// The component each host's adapter knows.
    pub adapter_component: String,
    /// On how many slots, the last ones, the adapter knows both of the slot's components instead.
    pub sharded: usize,
    /// Folders of further modules to compile and install.
    pub modules: Vec<PathBuf>,
    /// Further modules of each virtual host: YAML, one `NAME: {OPTIONS}` a line.
    pub host_modules: String,
    /// Further modules of all hosts, in the same form.
    pub global_modules: String,
    /// Further top-level options, in YAML.
    pub settings: String,
    /// Whether messages are archived (XEP-0313).
    pub mam: bool,
    /// Whether `mod_offline` keeps messages.
    pub offline: bool,
    /// Whether `mod_privilege` is loaded (XEP-0356); xmpp-push's components may then send as any user.
    pub privilege: bool,
    /// Whether the server's own `mod_push` is loaded.
    pub push: bool,
    /// Whether it connects to other servers, and listens for them.
    pub s2s: bool,
    /// What becomes of unacknowledged messages when a session can no longer be resumed: `true`, `false`, `if_offline`.
    pub resend_on_timeout: &'static str,
    /// How long a session can be resumed.
    pub hibernation: Duration,
    /// How long a client may leave a message unacknowledged until the server gives its connection up.
    pub ack_timeout: Duration,
    /// How many messages a user may have stored.
    pub quota: u32,
    /// `debug`, `info`, `warning` or `error`.
    pub log_level: &'static str,
    /// The system to run the programs of, if not this machine's.
    pub root: Option<PathBuf>,
}

impl Default for EjabberdConfig {
    fn default() -> Self {
        Self {
            slots: 1,
            adapter: false,
            adapter_options: String::new(),
            adapter_component: "push{i}.test".to_owned(),
            sharded: 0,
            modules: Vec::new(),
            host_modules: String::new(),
            global_modules: String::new(),
            settings: String::new(),
            mam: false,
            offline: true,
            privilege: false,
            push: false,
            s2s: false,
            resend_on_timeout: "if_offline",
            hibernation: resumption::WINDOW,
            ack_timeout: Duration::from_secs(30),
            quota: 100_000,
            log_level: "info",
            root: crate::live::server_root(),
        }
    }
}

impl EjabberdConfig {
    /// All folders of modules to compile.
    pub(super) fn sources(&self) -> Vec<PathBuf> {
        let adapter = self.adapter.then(|| repository().join("adapters/ejabberd"));
        adapter
            .into_iter()
            .chain(self.modules.iter().cloned())
            .collect()
    }

    /// The configuration file.
    pub(super) fn render(&self, ports: EjabberdPorts) -> String {
        let slots: Vec<_> = (0..self.slots).map(Slot::new).collect();
        [
            self.global(&slots),
            self.listeners(&slots, ports),
            self.modules(),
            self.own_modules(&slots),
            self.settings.clone(),
        ]
        .join("\n")
    }

    fn global(&self, slots: &[Slot]) -> String {
        let hosts: Vec<_> = slots.iter().map(|slot| slot.host()).collect();
        let components = lines(slots, |slot| {
            slot.components()
                .map(|component| format!("      - server: {component}"))
                .join("\n")
        });
        format!(
            r#"# Written for a test; everything is on loopback and nothing is encrypted.
hosts: {hosts:?}
loglevel: {level}
log_rotate_count: 0
registration_timeout: infinity
disable_sasl_mechanisms: ["digest-md5"]
auth_password_format: plain
default_db: mnesia
s2s_use_starttls: false
acl:
  push_components:
{components}
access_rules:
  push_components:
    allow: push_components
  s2s:
    {s2s}: all
s2s_access: s2s
shaper_rules:
  stored_messages: {quota}
api_permissions:
  tests:
    from: mod_http_api
    who:
      ip: 127.0.0.1/8
    what: "*"
"#,
            level = self.log_level,
            s2s = if self.s2s { "allow" } else { "deny" },
            quota = self.quota,
        )
    }

    fn listeners(&self, slots: &[Slot], ports: EjabberdPorts) -> String {
        let host = |name: String| format!("      {name}: {{password: {SECRET}}}");
        let s2s = if self.s2s {
            format!(
                "  - {{port: {}, ip: 127.0.0.1, module: ejabberd_s2s_in}}\n",
                ports.s2s
            )
        } else {
            String::new()
        };
        format!(
            r"listen:
  - {{port: {c2s}, ip: 127.0.0.1, module: ejabberd_c2s, starttls: false, max_stanza_size: 1048576}}
  - port: {component}
    ip: 127.0.0.1
    module: ejabberd_service
    global_routes: false
    hosts:
{ours}
  - port: {push_service}
    ip: 127.0.0.1
    module: ejabberd_service
    global_routes: false
    hosts:
{theirs}
  - port: {api}
    ip: 127.0.0.1
    module: ejabberd_http
    request_handlers:
      /api: mod_http_api
{s2s}",
            c2s = ports.c2s,
            component = ports.component,
            push_service = ports.push_service,
            api = ports.api,
            ours = lines(slots, |slot| slot.components().map(host).join("\n")),
            theirs = lines(slots, |slot| host(slot.push_service())),
        )
    }

    fn modules(&self) -> String {
        let mut modules = vec![
            "mod_disco: {}".to_owned(),
            "mod_roster: {}".to_owned(),
            "mod_http_api: {}".to_owned(),
            "mod_admin_extra: {}".to_owned(),
            "mod_carboncopy: {}".to_owned(),
            "mod_client_state: {}".to_owned(),
            "mod_register: {ip_access: all, access: all}".to_owned(),
            "mod_muc: {default_room_options: {allow_subscription: true, persistent: true}}"
                .to_owned(),
            format!(
                "mod_stream_mgmt: {{resume_timeout: {hold}, max_resume_timeout: {hold}, ack_timeout: {ack}, resend_on_timeout: {resend}}}",
                hold = seconds(self.hibernation),
                ack = seconds(self.ack_timeout),
                resend = self.resend_on_timeout,
            ),
        ];
        let optional = [
            (
                self.offline,
                "mod_offline: {access_max_user_messages: stored_messages}",
            ),
            (
                self.mam,
                "mod_mam: {assume_mam_usage: true, default: always}",
            ),
            (
                self.privilege,
                "mod_privilege: {message: {outgoing: push_components}}",
            ),
            (self.push, "mod_push: {}"),
        ];
        modules.extend(
            optional
                .into_iter()
                .filter(|(wanted, _)| *wanted)
                .map(|(_, module)| module.to_owned()),
        );
        modules.extend(self.global_modules.lines().map(str::to_owned));
        format!("modules:\n  {}\n", modules.join("\n  "))
    }

    /// What differs from host to host: the component, above all.
    fn own_modules(&self, slots: &[Slot]) -> String {
        if !self.adapter && self.host_modules.is_empty() {
            return String::new();
        }
        let own = lines(slots, |slot| {
            let adapter = self.adapter.then(|| self.adapter_module(slot));
            let modules: Vec<_> = slot
                .fill(&(adapter.unwrap_or_default() + &self.host_modules))
                .lines()
                .map(|line| format!("      {line}"))
                .collect();
            format!("  {}:\n    modules:\n{}", slot.host(), modules.join("\n"))
        });
        format!("append_host_config:\n{own}")
    }

    fn adapter_module(&self, slot: Slot) -> String {
        let component = if slot.index() + self.sharded >= self.slots {
            format!("[{}]", slot.components().join(", "))
        } else {
            self.adapter_component.clone()
        };
        let options = &self.adapter_options;
        format!("mod_xmpp_push: {{component: {component}, {options}}}\n")
    }
}

/// ejabberd takes whole seconds here, and at least one.
fn seconds(duration: Duration) -> u64 {
    duration.as_secs().max(1)
}

fn lines(slots: &[Slot], one: impl Fn(Slot) -> String) -> String {
    slots
        .iter()
        .map(|&slot| one(slot))
        .collect::<Vec<_>>()
        .join("\n")
}
