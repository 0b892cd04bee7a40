//! Connection strings: the same server by another name, port or database.

use crate::server::{Failure, Result};

/// Keeps a client from looking for the other members of a replica set, by the names that they give themselves.
pub(super) const DIRECT: &str = "directConnection=true";

/// A connection string, without the database's name.
#[derive(Debug, Clone)]
pub(super) struct Uri {
    pub(super) scheme: String,
    /// User and password with the `@`, or nothing.
    pub(super) user: String,
    /// Names with their ports.
    pub(super) hosts: String,
    pub(super) options: Vec<String>,
}

impl Uri {
    /// Reads `mongodb://USER:PASSWORD@HOSTS/DATABASE?OPTIONS`. The database says only where the user is known.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| Failure::new("MONGO_URI is not mongodb://…"))?;
        let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, hosts) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
        let mut options: Vec<_> = options
            .split('&')
            .filter(|option| !option.is_empty())
            .map(str::to_owned)
            .collect();
        let has_source = options
            .iter()
            .any(|option| option.starts_with("authSource="));
        if !user.is_empty() && !has_source {
            let source = if database.is_empty() {
                "admin"
            } else {
                database
            };
            options.push(format!("authSource={source}"));
        }
        Ok(Self {
            scheme: scheme.to_owned(),
            user: user.to_owned(),
            hosts: hosts.to_owned(),
            options,
        })
    }

    /// The same by way of another port, and of no other.
    pub(super) fn at(&self, port: u16) -> Self {
        let host = self.hosts.split([':', ',']).next().unwrap_or_default();
        let mut direct = self.clone();
        direct.hosts = format!("{host}:{port}");
        if !direct.options.iter().any(|option| option == DIRECT) {
            direct.options.push(DIRECT.to_owned());
        }
        direct
    }

    /// With a database.
    pub(super) fn with(&self, database: &str) -> String {
        let Self {
            scheme,
            user,
            hosts,
            options,
        } = self;
        let separator = if options.is_empty() { "" } else { "?" };
        format!(
            "{scheme}://{user}{hosts}/{database}{separator}{}",
            options.join("&")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_gets_into_any_connection_string() -> Result<()> {
        for (uri, with) in [
            ("mongodb://h", "mongodb://h/x"),
            (
                "mongodb://h:1,i:2/?replicaSet=r",
                "mongodb://h:1,i:2/x?replicaSet=r",
            ),
            (
                "mongodb+srv://u:p@h/",
                "mongodb+srv://u:p@h/x?authSource=admin",
            ),
            (
                "mongodb://u:p@h/known?w=1",
                "mongodb://u:p@h/x?w=1&authSource=known",
            ),
            (
                "mongodb://u:p@h/y?authSource=z",
                "mongodb://u:p@h/x?authSource=z",
            ),
        ] {
            assert_eq!(Uri::parse(uri)?.with("x"), with);
        }
        Ok(())
    }

    #[test]
    fn a_proxy_is_not_gone_around() -> Result<()> {
        let uri = Uri::parse("mongodb://u:p@h:1/?authSource=z")?.at(2);
        assert_eq!(
            uri.with("x"),
            "mongodb://u:p@h:2/x?authSource=z&directConnection=true"
        );
        Ok(())
    }
}
