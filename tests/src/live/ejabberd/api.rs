//! ejabberd's HTTP API: one POST per command, JSON both ways.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::live::{Context as _, Failure, Result};

/// How long a command may take; a reload restarts modules on every host.
const PATIENCE: Duration = Duration::from_secs(45);

/// Calls one command.
pub(super) async fn call(port: u16, command: &str, arguments: &Value) -> Result<Value> {
    let answer = timeout(PATIENCE, exchange(port, command, &arguments.to_string())).await;
    let answer = answer.context(command)?.context(command)?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or_else(|| Failure::new(format!("{command}: no HTTP")))?;
    if !head.starts_with("HTTP/1.1 200") {
        return Err(Failure::new(format!("{command}: {answer}")));
    }
    serde_json::from_str(body).context(format!("{command}: {body}"))
}

/// The connection is closed after the answer, so the answer ends where the bytes end.
async fn exchange(port: u16, command: &str, body: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let length = body.len();
    let request = format!(
        "POST /api/{command} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
