//! The accounts of owners.

use crate::row;
use crate::statement::LOAD;
use jid::BareJid;
use push_core::Account;
use push_core::row::UnreadableRows;
use push_core::store::Loaded;
use rusqlite::Connection;

pub(crate) fn load(view: &Connection, owners: &[BareJid]) -> rusqlite::Result<Loaded> {
    let mut statement = view.prepare_cached(LOAD)?;
    let mut unreadable = UnreadableRows::default();
    let mut accounts = Vec::with_capacity(owners.len());
    for owner in owners {
        let mut account = Account::empty(owner.clone());
        let mut rows = statement.query([owner.as_str()])?;
        while let Some(row) = rows.next()? {
            account.registrations.extend(row::noted(
                &mut unreadable,
                owner.as_str(),
                row::registration(row),
            ));
        }
        accounts.push(account);
    }
    Ok(Loaded {
        accounts,
        corrupt: row::logged(unreadable),
    })
}
