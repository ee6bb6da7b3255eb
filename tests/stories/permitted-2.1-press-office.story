# Clause 2.1: those who speak for the force do so on duty, marked; what the press office does not need stays shut for it.
configuration config/examples/permitted-personal-use.toml
upstream www.facebook.com A 192.0.2.1 ttl 3600
upstream www.youtube.com A 192.0.2.2 ttl 3600
static 10.20.1.5 user=press.officer1
static 10.20.1.6 user=pc.4711
ask 10.20.1.5 www.facebook.com A
expect 192.0.2.1 ttl 3600
row action=monitored category=social-networking user=press.officer1
ask 10.20.1.5 www.youtube.com A
expect 192.0.2.2 ttl 3600
row action=monitored category=streaming
ask 10.20.1.5 web.whatsapp.com A
expect 0.0.0.0 ede 15
row action=blocked category=messaging
ask 10.20.1.6 www.facebook.com A
expect 0.0.0.0 ede 15
row action=blocked user=pc.4711 category=social-networking
# A member by the directory is one as well; in own time the use of the office stays marked.
directory 10.30.1.7 user=sgt.12 group=CN=Press_Office,OU=Groups,DC=force,DC=example
clock 2026-11-24 12:30 Europe/London
ask 10.30.1.7 www.facebook.com A
expect 192.0.2.1
row action=monitored user=sgt.12 via=signon network_zone=stations
ask 10.20.1.6 www.facebook.com A
expect 192.0.2.1 ttl 3600
row action=allowed
