//! TLS, verified: the certificate's authority, its dates and the host's name.

use crate::address::Trust;
use crate::error::refused;
use push_core::store::StoreError;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;
use tokio_postgres_rustls::MakeRustlsConnect;

/// The protocol that servers expect when TLS begins without the protocol's own request for it (`sslnegotiation=direct`).
const ALPN: &[u8] = b"postgresql";

/// Returns the connector that makes TLS of a connection.
pub(crate) fn connector(trust: &Trust) -> Result<MakeRustlsConnect, StoreError> {
    let roots = match trust {
        Trust::System => system()?,
        Trust::File(path) => file(path)?,
    };
    // Named, because the process has no default where several libraries each bring their own.
    let provider = Arc::new(ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| refused(format!("TLS: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(MakeRustlsConnect::new(config))
}

fn system() -> Result<RootCertStore, StoreError> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    // Systems ship some that are not as they should be.
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    if usable == 0 {
        return Err(refused(
            "this system trusts no certificate authority: install its package ca-certificates, or name a file with those \
             to trust",
        ));
    }
    Ok(roots)
}

fn file(path: &Path) -> Result<RootCertStore, StoreError> {
    let say = |what: &dyn std::fmt::Display| {
        refused(format!(
            "the certificate authorities in {} cannot be read: {what}",
            path.display()
        ))
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| say(&error))? {
        let certificate = certificate.map_err(|error| say(&error))?;
        roots.add(certificate).map_err(|error| say(&error))?;
    }
    if roots.is_empty() {
        return Err(say(&"there is no certificate in it"));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_authorities_is_refused() {
        for path in [
            "/nonexistent/ca.pem",
            concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
        ] {
            let error = connector(&Trust::File(path.into())).err().unwrap();
            assert!(error.to_string().contains(path), "{error}");
        }
    }
}
