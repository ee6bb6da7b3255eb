//! Which network zone a client belongs to: the longest prefix that holds it.

use std::collections::HashMap;
use std::net::IpAddr;

use ipnet::IpNet;

/// Prefixes of one length. They are written in the configuration, by nobody who means harm: the hash need not be keyed.
type Places<B> = HashMap<B, u16, foldhash::fast::FixedState>;

/// Client prefixes to network zones. Asked once a query: one hash look-up per prefix length in use.
#[derive(Clone, Debug, Default)]
pub struct NetworkMap {
    v4: Vec<(u32, Places<u32>)>,
    v6: Vec<(u128, Places<u128>)>,
}

impl NetworkMap {
    /// Builds the map from prefixes and the places of their network zones; the first of two equal prefixes counts (the configuration
    /// check refuses the second).
    pub fn new<'a>(prefixes: impl IntoIterator<Item = (&'a IpNet, u16)>) -> NetworkMap {
        let mut map = NetworkMap::default();
        for (prefix, zone) in prefixes {
            match prefix {
                IpNet::V4(net) => insert(&mut map.v4, u32::from(net.netmask()), u32::from(net.network()), zone),
                IpNet::V6(net) => insert(&mut map.v6, u128::from(net.netmask()), u128::from(net.network()), zone),
            }
        }
        map.v4.sort_by_key(|(mask, _)| std::cmp::Reverse(*mask));
        map.v6.sort_by_key(|(mask, _)| std::cmp::Reverse(*mask));
        map
    }

    /// The place of the network zone that holds `client`; an IPv4-mapped IPv6 address counts as IPv4.
    #[inline]
    pub fn find(&self, client: IpAddr) -> Option<u16> {
        match client.to_canonical() {
            IpAddr::V4(v4) => {
                let bits = u32::from(v4);
                self.v4.iter().find_map(|(mask, nets)| nets.get(&(bits & mask)).copied())
            }
            IpAddr::V6(v6) => {
                let bits = u128::from(v6);
                self.v6.iter().find_map(|(mask, nets)| nets.get(&(bits & mask)).copied())
            }
        }
    }
}

fn insert<B: Copy + Eq + std::hash::Hash>(levels: &mut Vec<(B, Places<B>)>, mask: B, network: B, zone: u16) {
    let level = match levels.iter().position(|(present, _)| *present == mask) {
        Some(at) => at,
        None => {
            levels.push((mask, Places::default()));
            levels.len() - 1
        }
    };
    levels[level].1.entry(network).or_insert(zone);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_longest_prefix_wins() {
        let nets: Vec<IpNet> = ["10.0.0.0/8", "10.20.0.0/16", "10.20.30.40/32", "2001:db8::/32", "::/0"]
            .iter()
            .map(|n| n.parse().unwrap())
            .collect();
        let map = NetworkMap::new(nets.iter().zip(0u16..));
        let zone = |a: &str| map.find(a.parse().unwrap());
        assert_eq!(zone("10.1.1.1"), Some(0));
        assert_eq!(zone("10.20.1.1"), Some(1));
        assert_eq!(zone("10.20.30.40"), Some(2));
        assert_eq!(zone("::ffff:10.20.30.40"), Some(2));
        assert_eq!(zone("192.0.2.1"), None);
        assert_eq!(zone("2001:db8::1"), Some(3));
        assert_eq!(zone("2001:db9::1"), Some(4));
    }

    proptest! {
        #[test]
        fn it_agrees_with_looking_at_every_prefix(
            nets in prop::collection::vec((any::<u32>(), 0u8..=32), 0..40),
            clients in prop::collection::vec(any::<u32>(), 1..40),
        ) {
            let mut prefixes: Vec<IpNet> = nets
                .into_iter()
                .map(|(bits, len)| ipnet::Ipv4Net::new(bits.into(), len).unwrap().trunc().into())
                .collect();
            prefixes.sort();
            prefixes.dedup();
            let map = NetworkMap::new(prefixes.iter().zip(0u16..));
            for bits in clients {
                let client = IpAddr::V4(bits.into());
                let naive = prefixes.iter().zip(0u16..)
                    .filter(|(p, _)| p.contains(&client))
                    .max_by_key(|(p, _)| p.prefix_len())
                    .map(|(_, i)| i);
                prop_assert_eq!(map.find(client), naive);
            }
        }
    }
}
