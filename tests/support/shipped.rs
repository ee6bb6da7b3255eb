//! The configurations this repository ships, made fit to run here.

use std::net::SocketAddr;
use std::path::Path;

/// The configuration at `path` of this repository, with the lists it names. All that decides stays as it is shipped; of what belongs to a
/// machine, `[node]`, `[listen]` and `[upstream]` are left out for the runner to write, and forward zones are asked at `upstream`.
pub fn configuration(path: &str, upstream: SocketAddr) -> Result<String, String> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = repository.join(path);
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let text = text.replace("\"../../", &format!("\"{}/", repository.display()));
    let mut config: toml::Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
    for section in ["node", "listen", "upstream"] {
        config.remove(section).ok_or_else(|| format!("there is no [{section}] to put aside"))?;
    }
    let zones = config.get_mut("forward_zone").and_then(toml::Value::as_array_mut);
    for zone in zones.into_iter().flatten().filter_map(toml::Value::as_table_mut) {
        zone.insert("servers".into(), vec![format!("udp://{upstream}")].into());
    }
    Ok(config.to_string())
}
