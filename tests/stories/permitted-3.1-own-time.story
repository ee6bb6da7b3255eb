# Clause 3.1: own time is before and after duty, the refreshment break and the weekend; no answer outlives it.
configuration config/examples/permitted-personal-use.toml
upstream www.facebook.com A 192.0.2.1 ttl 86400
upstream www.instagram.com A 192.0.2.2 ttl 86400
clock 2026-11-24 08:29:50 Europe/London
ask 10.20.1.5 www.facebook.com A
expect 192.0.2.1 ttl 10
row action=allowed category=social-networking
clock 2026-11-24 08:30 Europe/London
ask 10.20.1.5 www.facebook.com A
expect 0.0.0.0 ede 15
row action=blocked
clock 2026-11-24 12:00 Europe/London
ask 10.20.1.5 www.facebook.com A
expect 192.0.2.1 ttl 7200
clock 2026-11-24 14:00 Europe/London
ask 10.20.1.5 www.facebook.com A
expect 0.0.0.0 ede 15
clock 2026-11-24 17:30 Europe/London
ask 10.20.1.5 www.facebook.com A
expect 192.0.2.1
row action=allowed
clock 2026-11-24 23:30 Europe/London
ask 10.20.1.5 www.instagram.com A
expect 192.0.2.2 ttl 32400
# Friday evening leads into the weekend, the weekend into the Monday before duty.
clock 2026-11-27 20:00 Europe/London
ask 10.30.1.5 www.facebook.com A
expect 192.0.2.1
clock 2026-11-28 11:00 Europe/London
ask 10.30.1.5 www.facebook.com A
expect 192.0.2.1
clock 2026-11-30 07:00 Europe/London
ask 10.30.1.5 www.facebook.com A
expect 192.0.2.1 ttl 5400
row action=allowed network_zone=stations
clock 2026-11-30 08:30 Europe/London
ask 10.30.1.5 www.facebook.com A
expect 0.0.0.0 ede 15
