//! Which configuration file is meant when none is named.

use std::path::{Path, PathBuf};

use super::errors::ConfigErrors;

/// Where the configuration is looked for, in this order.
pub const USUAL: [&str; 2] = ["config/cordon.toml", "/etc/cordon/cordon.toml"];

/// The configuration file: the one named (`--config` or `$CORDON_CONFIG`), else the first of [`USUAL`] that is there.
///
/// # Errors
/// None is named and none is there. A file that is named is not looked at here.
pub fn locate(explicit: Option<&Path>) -> Result<PathBuf, ConfigErrors> {
    first_of(explicit, &USUAL)
}

fn first_of(explicit: Option<&Path>, usual: &[&str]) -> Result<PathBuf, ConfigErrors> {
    if let Some(named) = explicit {
        return Ok(named.to_owned());
    }
    let found = usual.iter().map(Path::new).find(|path| path.exists());
    found.map(Path::to_owned).ok_or_else(|| {
        let advice = "name it with `--config PATH` or in the environment as CORDON_CONFIG";
        ConfigErrors::of_file(usual.join(", "), "no configuration file is there", advice)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_file_is_taken_and_otherwise_the_first_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join("cordon.toml");
        std::fs::write(&there, "").unwrap();
        let there = there.to_str().unwrap();
        assert_eq!(first_of(Some(Path::new("x.toml")), &[there]).unwrap(), Path::new("x.toml"));
        assert_eq!(first_of(None, &["/nonexistent/cordon.toml", there]).unwrap(), Path::new(there));
        let error = first_of(None, &["/nonexistent/cordon.toml"]).unwrap_err().to_string();
        assert_eq!(
            error,
            "/nonexistent/cordon.toml: no configuration file is there; name it with `--config PATH` or in the environment as CORDON_CONFIG"
        );
    }
}
