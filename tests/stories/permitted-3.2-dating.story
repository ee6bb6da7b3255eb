# Clause 3.2: dating may be used in own time, and is recorded like anything else; in duty time it is not answered.
configuration config/examples/permitted-personal-use.toml
upstream www.tinder.com A 192.0.2.1 ttl 3600
upstream www.tinder.com AAAA 2001:db8::1 ttl 3600
ask 10.20.1.5 www.tinder.com A
expect 0.0.0.0 ede 15 ttl 10
reason Dating; Procedure 3.2
row action=blocked category=dating list=dating/dating.txt network_zone=headquarters
ask 10.30.1.5 www.tinder.com AAAA
expect :: ede 15
row action=blocked network_zone=stations
heard 0
clock 2026-11-24 13:59:30 Europe/London
ask 10.20.1.5 www.tinder.com A
expect 192.0.2.1 ttl 30
row action=allowed category=dating list=dating/dating.txt
ask 2001:db8:30::5 tinder.com AAAA
expect NXDOMAIN
row action=allowed category=dating network_zone=stations
clock + 30s
ask 10.20.1.5 www.tinder.com A
expect 0.0.0.0 ede 15 ttl 10
row action=blocked
