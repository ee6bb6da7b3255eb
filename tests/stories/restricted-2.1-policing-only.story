# Clause 2.1: what policing needs is answered, the force's own names from the force's servers; there is no own time in which the rest is.
configuration config/examples/restricted.toml
upstream portal.force.example A 192.0.2.1 ttl 300
upstream www.police.uk A 192.0.2.2 ttl 300
upstream www.facebook.com A 192.0.2.3 ttl 300
upstream forcesafesearch.google.com A 192.0.2.4 ttl 300
ask 10.20.1.5 portal.force.example A
expect 192.0.2.1
row action=allowed network_zone=hq-desktops
ask 10.20.1.5 www.police.uk A
expect 192.0.2.2
row action=allowed rule=policy.desktops.allow[1]_police.uk
ask 10.20.1.5 www.google.com A
expect 192.0.2.4
row action=allowed rule=policy.desktops.rewrite_www.google.com
clock 2026-11-24 12:30 Europe/London
ask 10.20.1.5 www.facebook.com A
expect 10.1.1.1 ede 15
clock 2026-11-28 22:00 Europe/London
ask 10.20.1.5 www.facebook.com A
expect 10.1.1.1 ede 15
row action=blocked category=social-networking
