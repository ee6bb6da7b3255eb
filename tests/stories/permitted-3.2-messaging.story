# Clause 3.2: private messaging may be used in own time, and is recorded like anything else; in duty time it is not answered.
configuration config/examples/permitted-personal-use.toml
upstream web.whatsapp.com A 192.0.2.1 ttl 3600
upstream web.whatsapp.com AAAA 2001:db8::1 ttl 3600
ask 10.20.1.5 web.whatsapp.com A
expect 0.0.0.0 ede 15 ttl 10
reason Private messaging; Procedure 3.2
row action=blocked category=messaging list=messaging/messaging.txt network_zone=headquarters
ask 10.30.1.5 web.whatsapp.com AAAA
expect :: ede 15
row action=blocked network_zone=stations
heard 0
clock 2026-11-24 13:59:30 Europe/London
ask 10.20.1.5 web.whatsapp.com A
expect 192.0.2.1 ttl 30
row action=allowed category=messaging list=messaging/messaging.txt
ask 2001:db8:30::5 whatsapp.com AAAA
expect NXDOMAIN
row action=allowed category=messaging network_zone=stations
clock + 30s
ask 10.20.1.5 web.whatsapp.com A
expect 0.0.0.0 ede 15 ttl 10
row action=blocked
