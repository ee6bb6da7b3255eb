//! Domain names in the configuration.

use crate::dns::Name;

use super::values::Fault;

/// A name, with the usual slips told apart.
pub fn name(text: &str) -> Result<Name, Fault> {
    let bad = |why: String, advice: String| Err(Fault::new(format!("`{text}` {why}"), advice));
    if let Some(rest) = text.strip_prefix('=') {
        return bad("begins with `=`, which only `allow`, `deny` and `names` know".into(), format!("write `{rest}`"));
    }
    if let Some((_, host)) = text.split_once('@') {
        return bad("is a mail address where a name is expected".into(), format!("write `{host}`"));
    }
    if let Some((_, rest)) = text.split_once("://") {
        let host = rest.split(['/', ':', '?', '#']).next().unwrap_or_default();
        return bad("is an address of a page, not a name".into(), format!("write `{host}`"));
    }
    if let Some(rest) = text.strip_prefix("*.").or_else(|| text.strip_prefix('.')).filter(|rest| !rest.is_empty()) {
        return bad("has a wildcard".into(), format!("write `{rest}`: it stands for itself and all below it"));
    }
    if let Some((host, _)) = text.split_once('/') {
        return bad(
            "has a path".into(),
            format!("write `{host}`; a name is decided as a whole, whatever page is asked of it"),
        );
    }
    if text.parse::<std::net::IpAddr>().is_ok() {
        return bad("is an address where a name is expected".into(), "write the name that is asked for".into());
    }
    if let Some((host, port)) = text.split_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())) {
        return bad(format!("has a port ({port})"), format!("write `{host}`"));
    }
    let ascii = if text.is_ascii() {
        text.to_owned()
    } else {
        match idna::domain_to_ascii(text) {
            Ok(ascii) => ascii,
            Err(_) => {
                return bad(
                    "is not a name that IDNA allows (RFC 5891)".into(),
                    "write its A-label form, `xn--...`".into(),
                );
            }
        }
    };
    Name::parse(&ascii).or_else(|error| bad(error.to_string(), "write a name such as `www.example.com`".into()))
}

/// A name as `allow` and `deny` write it: alone when it begins with `=`, with all below it otherwise.
pub fn name_or_exact(text: &str) -> Result<(Name, bool), Fault> {
    match text.strip_prefix('=') {
        Some(alone) => Ok((name(alone.trim())?, true)),
        None => Ok((name(text)?, false)),
    }
}

/// Refuses a name under which strangers register theirs, such as `co.uk`. A top-level domain may be denied, since that is a usual thing
/// to want; what organisations run for their customers (`blogspot.com`) may be as well.
pub fn not_a_public_suffix(name: &Name) -> Result<(), Fault> {
    let text = name.to_string();
    let suffix = psl::suffix(text.as_bytes());
    let is_one =
        suffix.is_some_and(|suffix| suffix.as_bytes() == text.as_bytes() && suffix.typ() == Some(psl::Type::Icann));
    if name.label_count() == 0 {
        return Err(Fault::new("`.` is every name", "set `default = \"block\"` for that"));
    }
    if name.label_count() > 1 && is_one {
        let advice = format!("name the sites below it, or write `={text}` for that name alone");
        return Err(Fault::new(format!("`{text}` is a public suffix: everybody's names are below it"), advice));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_slips_get_the_name_that_was_meant() {
        let advice = |text: &str| name(text).unwrap_err().advice.unwrap();
        assert_eq!(advice("https://www.example.com/x"), "write `www.example.com`");
        assert!(advice("*.example.com").starts_with("write `example.com`"));
        assert!(advice(".example.com").starts_with("write `example.com`"));
        assert!(advice("example.com/path").starts_with("write `example.com`"));
        assert_eq!(advice("=example.com"), "write `example.com`");
        assert_eq!(advice("u4711@example.com"), "write `example.com`");
        assert_eq!(advice("example.com:443"), "write `example.com`");
        assert_eq!(name("192.0.2.1").unwrap_err().problem, "`192.0.2.1` is an address where a name is expected");
        assert_eq!(name("a..b").unwrap_err().problem, "`a..b` has an empty label");
        assert_eq!(name("").unwrap_err().problem, "`` is empty");
    }

    #[test]
    fn international_names_become_a_labels() {
        assert_eq!(name("Bücher.example").unwrap().to_string(), "xn--bcher-kva.example");
    }

    #[test]
    fn a_public_suffix_is_refused_and_a_site_or_a_top_level_domain_is_not() {
        let refused = |text: &str| not_a_public_suffix(&name(text).unwrap()).is_err();
        assert!(refused("co.uk") && refused("com.au") && refused("."));
        assert!(!refused("example.co.uk") && !refused("xxx") && !refused("blogspot.com"));
    }
}
