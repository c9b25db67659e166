//! Does a pure part so many times, for `cargo xtask instructions`, which counts what that takes:
//!
//! ```text
//! kess-instructions                 the names of the parts
//! kess-instructions NAME TIMES
//! ```

use std::error::Error;
use std::io::{self, Write as _};

use kess_benches::work::{PIECES, Work};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, times] = &arguments[..] else {
        for (name, _) in PIECES {
            writeln!(io::stdout(), "{name}")?;
        }
        return Ok(());
    };
    let (_, piece) = PIECES.iter().find(|(it, _)| it == name).ok_or("there is no such part")?;
    let work = Work::new()?;
    for _ in 0..times.parse::<u32>()? {
        piece(&work)?;
    }
    Ok(())
}
