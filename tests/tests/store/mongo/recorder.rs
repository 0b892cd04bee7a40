//! Commands as they go over the wire, read from the bytes between the store and its server.

use mongodb::bson::{Document, RawDocumentBuf};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Length, request, answer to, kind: 4 bytes each.
const HEADER: usize = 16;

/// The kind of message that every command is sent as since MongoDB 3.6.
const OP_MSG: u32 = 2013;

/// Passes on what comes to its port, and keeps the commands.
pub(super) struct Recorder {
    pub(super) port: u16,
    commands: Arc<Mutex<Vec<Document>>>,
}

impl Recorder {
    pub(super) async fn start(target: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let commands = Arc::default();
        let kept = Arc::clone(&commands);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect((Ipv4Addr::LOCALHOST, target))
                    .await
                    .unwrap();
                let (from_client, mut to_client) = client.into_split();
                let (mut from_server, to_server) = server.into_split();
                tokio::spawn(record(from_client, to_server, Arc::clone(&kept)));
                tokio::spawn(
                    async move { tokio::io::copy(&mut from_server, &mut to_client).await },
                );
            }
        });
        Self { port, commands }
    }

    /// The commands since it was asked last, but for those of connections and sessions.
    pub(super) fn take(&self) -> Vec<Document> {
        let mut commands = std::mem::take(&mut *self.commands.lock().unwrap());
        commands.retain(|command| {
            let name = command.keys().next().unwrap();
            !["hello", "isMaster", "ismaster", "endSessions", "ping"].contains(&name.as_str())
        });
        commands
    }
}

async fn record(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, kept: Arc<Mutex<Vec<Document>>>) {
    let mut header = [0; HEADER];
    while from.read_exact(&mut header).await.is_ok() {
        let word = |at| u32::from_le_bytes(header[at..at + 4].try_into().unwrap());
        let mut body = vec![0; word(0) as usize - HEADER];
        if from.read_exact(&mut body).await.is_err() {
            return;
        }
        if word(12) == OP_MSG {
            kept.lock().unwrap().push(command(&body[4..]));
        }
        if to.write_all(&header).await.is_err() || to.write_all(&body).await.is_err() {
            return;
        }
    }
}

/// One document, and sequences of documents, each of which is one of its fields.
fn command(mut sections: &[u8]) -> Document {
    let mut command = Document::new();
    while let [kind, rest @ ..] = sections {
        let (section, left) = rest.split_at(length(rest));
        if *kind == 0 {
            command.extend(document(section));
        } else {
            let name_end = 4 + section[4..].iter().position(|byte| *byte == 0).unwrap();
            let name = std::str::from_utf8(&section[4..name_end]).unwrap();
            command.insert(name, documents(&section[name_end + 1..]));
        }
        sections = left;
    }
    command
}

fn documents(mut bytes: &[u8]) -> Vec<Document> {
    let mut documents = Vec::new();
    while !bytes.is_empty() {
        let (one, left) = bytes.split_at(length(bytes));
        documents.push(document(one));
        bytes = left;
    }
    documents
}

fn document(bytes: &[u8]) -> Document {
    let raw = RawDocumentBuf::from_bytes(bytes.to_vec()).unwrap();
    raw.to_document().unwrap()
}

fn length(bytes: &[u8]) -> usize {
    u32::from_le_bytes(bytes[..4].try_into().unwrap()) as usize
}
