# Clause 5.2: what is unlawful or goes round the controls is blocked for visitors; the rest is theirs.
configuration config/examples/restricted.toml
upstream www.facebook.com A 192.0.2.1 ttl 300
upstream www.bet365.com A 192.0.2.2 ttl 300
upstream www.google.com A 192.0.2.3 ttl 300
ask 192.168.64.5 www.facebook.com A
expect 192.0.2.1
row action=allowed category=- network_zone=public-wifi
ask 192.168.127.254 www.bet365.com A
expect 192.0.2.2
row action=allowed
ask 192.168.64.5 www.google.com A
expect 192.0.2.3
ask 192.168.64.5 www.pornhub.com A
expect 0.0.0.0 ede 15 ttl 10
reason Sexually explicit material; Procedure 3.1
row action=blocked category=adult
ask 192.168.64.5 www.stormfront.org AAAA
expect :: ede 15
row action=blocked category=hate
ask 192.168.64.5 nordvpn.com A
expect 0.0.0.0 ede 15
row action=blocked category=proxy-bypass
