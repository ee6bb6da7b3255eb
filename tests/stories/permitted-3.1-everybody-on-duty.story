# Clause 3.1: on the night on which everybody is on duty there is no own time, and the evening before ends at midnight.
configuration config/examples/permitted-personal-use.toml
upstream www.facebook.com A 192.0.2.1 ttl 86400
clock 2026-12-30 23:59:45 Europe/London
ask 10.20.1.5 www.facebook.com A
expect 192.0.2.1 ttl 15
clock 2026-12-31 00:00 Europe/London
ask 10.20.1.5 www.facebook.com A
expect 0.0.0.0 ede 15
clock 2026-12-31 12:30 Europe/London
ask 10.20.1.5 www.facebook.com A
expect 0.0.0.0 ede 15
row action=blocked category=social-networking
clock 2026-12-31 20:00 Europe/London
ask 10.30.1.5 www.facebook.com A
expect 0.0.0.0 ede 15
clock 2027-01-01 12:30 Europe/London
ask 10.20.1.5 www.facebook.com A
expect 192.0.2.1
