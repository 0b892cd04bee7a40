//! What every server with the adapter must do.

use super::{Own, stage, stage_with};

mod answers;
mod hibernated;
mod missed;
mod registration;
mod restarts;
