//! What every store does. The parent module gives `fresh()`.

use super::fresh;

mod domain;
mod enable;
mod load;
mod model;
mod order;
mod overlap;
mod page;
mod remove;
mod settle;
