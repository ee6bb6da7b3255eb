//! Addresses in the configuration: client prefixes, places to listen, servers to ask.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;

use super::values::Fault;
use crate::config::checked::{Protocol, Server};

/// A client prefix; a bare address is the prefix of that address alone.
pub fn prefix(text: &str) -> Result<IpNet, Fault> {
    let net: IpNet = match (text.parse::<IpNet>(), text.parse::<IpAddr>()) {
        (Ok(net), _) => net,
        (_, Ok(address)) => address.into(),
        _ => {
            let advice = "write an address and a prefix length: `10.20.0.0/16`, `2001:db8:20::/48`";
            return Err(Fault::new(format!("`{text}` is not a network"), advice));
        }
    };
    if net.trunc() != net {
        let advice = format!("write `{}` for the network, or `{}` for that address", net.trunc(), net.addr());
        return Err(Fault::new(format!("`{text}` has bits set behind the prefix length"), advice));
    }
    if let IpNet::V6(v6) = net
        && let Some(v4) = v6.addr().to_ipv4_mapped()
        && v6.prefix_len() >= 96
    {
        let advice = format!("write `{v4}/{}`: clients are known by their IPv4 address", v6.prefix_len() - 96);
        return Err(Fault::new(format!("`{text}` is an IPv4 network in IPv6 clothes"), advice));
    }
    Ok(net)
}

/// An address of a client or device.
pub fn address(text: &str) -> Result<IpAddr, Fault> {
    let fault = || Fault::new(format!("`{text}` is not an address"), "write one such as `10.20.0.9` or `2001:db8::9`");
    let address: IpAddr = text.parse().map_err(|_| fault())?;
    if address.is_unspecified() || address.is_multicast() {
        return Err(Fault::new(format!("{text} cannot be the address of a client"), "write the client's own address"));
    }
    Ok(address.to_canonical())
}

/// An address and port to listen on.
pub fn listen(text: &str, usual_port: u16) -> Result<SocketAddr, Fault> {
    let at: SocketAddr = text.parse().map_err(|_| match bare_address(text) {
        Some(address) => {
            Fault::new(format!("`{text}` has no port"), format!("write `{}`", SocketAddr::new(address, usual_port)))
        }
        None => Fault::new(
            format!("`{text}` is not an address with a port"),
            format!("write `127.0.0.1:{usual_port}` or `[::1]:{usual_port}`; a name cannot stand here"),
        ),
    })?;
    if at.port() == 5353 {
        let advice = "take another, such as 53 or 5300";
        return Err(Fault::new("port 5353 belongs to multicast DNS (RFC 6762)", advice));
    }
    Ok(at)
}

/// An upstream server.
pub fn server(text: &str) -> Result<Server, Fault> {
    if text == "system" {
        return Ok(Server::System);
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(match (bare_address(text), text.parse::<SocketAddr>()) {
            (None, Err(_)) => Fault::new(format!("`{text}` is not a server"), FORMS),
            _ => Fault::new(format!("`{text}` does not say how it is spoken to"), format!("write `udp://{text}`")),
        });
    };
    let (protocol, usual_port) = match scheme {
        "udp" => (Protocol::Udp, 53),
        "tcp" => (Protocol::Tcp, 53),
        "tls" => (Protocol::Tls, 853),
        "https" => (Protocol::Https, 443),
        "quic" => {
            let advice = format!("write `tls://{rest}`");
            return Err(Fault::new("DNS over QUIC is not supported by this version yet", advice));
        }
        _ => return Err(Fault::new(format!("`{scheme}` is not a protocol"), FORMS)),
    };
    let (rest, tls_name) = match rest.split_once('#') {
        Some((rest, name)) => (rest, Some(name)),
        None => (rest, None),
    };
    let (host, path) = match rest.find('/') {
        Some(at) => (&rest[..at], Some(&rest[at..])),
        None => (rest, None),
    };
    let address = place(host, usual_port).ok_or_else(|| not_an_address(host, scheme, path))?;
    if address.ip().is_unspecified() || address.ip().is_multicast() || address.port() == 0 {
        return Err(Fault::new(format!("nobody can be asked at {address}"), "write the server's own address"));
    }
    let encrypted = matches!(protocol, Protocol::Tls | Protocol::Https);
    match tls_name {
        Some(name) if !encrypted => {
            let advice = format!("remove `#{name}`, or write `tls://`");
            return Err(Fault::new(format!("a server asked over {scheme} has no certificate"), advice));
        }
        Some(name) if name.parse::<IpAddr>().is_err() => {
            super::names::name(name)
                .map_err(|fault| Fault { problem: format!("its certificate's name: {}", fault.problem), ..fault })?;
        }
        _ => {}
    }
    if path.is_some() && protocol != Protocol::Https {
        return Err(Fault::new(format!("a server asked over {scheme} has no path"), "remove what follows the address"));
    }
    let path = (protocol == Protocol::Https).then(|| path.unwrap_or("/dns-query").to_owned());
    Ok(Server::At { protocol, address, tls_name: tls_name.map(str::to_owned), path, text: text.to_owned() })
}

const FORMS: &str = "write `system`, `udp://9.9.9.9`, `tcp://9.9.9.9`, `tls://9.9.9.9#dns.quad9.net` or \
                     `https://9.9.9.9/dns-query#dns.quad9.net`";

/// An address with or without port; an IPv6 address stands in brackets.
fn place(host: &str, usual_port: u16) -> Option<SocketAddr> {
    if let Ok(at) = host.parse() {
        return Some(at);
    }
    bare_address(host)
        .filter(|address| address.is_ipv4() || host.starts_with('['))
        .map(|address| SocketAddr::new(address, usual_port))
}

fn not_an_address(host: &str, scheme: &str, path: Option<&str>) -> Fault {
    let path = path.unwrap_or(if scheme == "https" { "/dns-query" } else { "" });
    if let Ok(v6) = host.parse::<Ipv6Addr>() {
        return Fault::new(format!("`{host}` needs brackets"), format!("write `{scheme}://[{v6}]{path}`"));
    }
    if host.is_empty() {
        return Fault::new("there is no address", FORMS);
    }
    let encrypted = matches!(scheme, "tls" | "https");
    let advice = match host.rsplit_once(':') {
        Some((_, port)) if host.matches(':').count() == 1 && port.parse::<u16>().is_err() => {
            format!("`{port}` is not a port; ports go from 1 to 65535")
        }
        _ if encrypted => format!("write its address and its name: `{scheme}://9.9.9.9{path}#{host}`"),
        _ => format!("write its address: `{scheme}://9.9.9.9`; a resolver cannot look up the resolver it asks"),
    };
    Fault::new(format!("`{host}` is not an address"), advice)
}

/// An address without a port, in brackets or not.
fn bare_address(text: &str) -> Option<IpAddr> {
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inner.unwrap_or(text).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_read_in_every_form() {
        let read = |text: &str| match server(text).unwrap() {
            Server::System => "system".to_owned(),
            Server::At { protocol, address, tls_name, path, .. } => {
                format!(
                    "{protocol:?} {address} {} {}",
                    tls_name.as_deref().unwrap_or("-"),
                    path.as_deref().unwrap_or("-")
                )
            }
        };
        assert_eq!(read("system"), "system");
        assert_eq!(read("udp://9.9.9.9"), "Udp 9.9.9.9:53 - -");
        assert_eq!(read("tcp://[2001:db8::1]:54"), "Tcp [2001:db8::1]:54 - -");
        assert_eq!(read("udp://[2001:db8::1]"), "Udp [2001:db8::1]:53 - -");
        assert_eq!(read("tls://9.9.9.9#dns.quad9.net"), "Tls 9.9.9.9:853 dns.quad9.net -");
        assert_eq!(read("https://9.9.9.9#dns.quad9.net"), "Https 9.9.9.9:443 dns.quad9.net /dns-query");
        assert_eq!(read("https://9.9.9.9:8443/q?x#dns.quad9.net"), "Https 9.9.9.9:8443 dns.quad9.net /q?x");
    }

    #[test]
    fn a_wrong_server_gets_the_form_that_was_meant() {
        let advice = |text: &str| server(text).unwrap_err().advice.unwrap();
        assert_eq!(advice("9.9.9.9"), "write `udp://9.9.9.9`");
        assert_eq!(advice("udp://2001:db8::1"), "write `udp://[2001:db8::1]`");
        assert_eq!(
            advice("https://dns.quad9.net"),
            "write its address and its name: `https://9.9.9.9/dns-query#dns.quad9.net`"
        );
        assert_eq!(advice("udp://9.9.9.9:port"), "`port` is not a port; ports go from 1 to 65535");
        assert_eq!(advice("quic://9.9.9.9"), "write `tls://9.9.9.9`");
        for text in [
            "",
            "ftp://9.9.9.9",
            "udp://",
            "udp://9.9.9.9#x",
            "tls://9.9.9.9/path",
            "udp://0.0.0.0",
            "tls://9.9.9.9#a..b",
        ] {
            assert!(server(text).is_err(), "{text}");
        }
    }

    #[test]
    fn prefixes_have_no_bits_behind_their_length() {
        assert_eq!(prefix("10.20.0.0/16").unwrap().to_string(), "10.20.0.0/16");
        assert_eq!(prefix("::1").unwrap().to_string(), "::1/128");
        assert!(prefix("10.20.30.0/16").unwrap_err().advice.unwrap().contains("`10.20.0.0/16`"));
        assert!(prefix("::ffff:10.0.0.0/104").unwrap_err().advice.unwrap().contains("`10.0.0.0/8`"));
        assert!(prefix("10.0.0.0/33").is_err() && prefix("hq").is_err());
    }
}
