# Clause 3.2: social networking may be used in own time, and is recorded like anything else; in duty time it is not answered.
configuration config/examples/permitted-personal-use.toml
upstream www.instagram.com A 192.0.2.1 ttl 3600
upstream www.instagram.com AAAA 2001:db8::1 ttl 3600
ask 10.20.1.5 www.instagram.com A
expect 0.0.0.0 ede 15 ttl 10
reason Social networking; Procedure 3.2
row action=blocked category=social-networking list=social-networking/social-networking.txt network_zone=headquarters
ask 10.30.1.5 www.instagram.com AAAA
expect :: ede 15
row action=blocked network_zone=stations
heard 0
clock 2026-11-24 13:59:30 Europe/London
ask 10.20.1.5 www.instagram.com A
expect 192.0.2.1 ttl 30
row action=allowed category=social-networking list=social-networking/social-networking.txt
ask 2001:db8:30::5 instagram.com AAAA
expect NXDOMAIN
row action=allowed category=social-networking network_zone=stations
clock + 30s
ask 10.20.1.5 www.instagram.com A
expect 0.0.0.0 ede 15 ttl 10
row action=blocked
