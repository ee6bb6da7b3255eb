# Clause 4.2: gambling is not answered at any time, on duty or in own time, nor is it to the press office.
configuration config/examples/permitted-personal-use.toml
static 10.20.1.7 user=press.officer1
ask 10.20.1.5 www.bet365.com A
expect 0.0.0.0 ede 15 ttl 10
reason Gambling; Procedure 4.2
row action=blocked category=gambling list=gambling/gambling.txt network_zone=headquarters
ask 10.30.1.5 sports.williamhill.com AAAA
expect :: ede 15
row action=blocked category=gambling network_zone=stations
clock 2026-11-24 12:59:55 Europe/London
ask 10.20.1.5 www.bet365.com A
expect 0.0.0.0 ede 15 ttl 10
row action=blocked category=gambling
ask 10.20.1.7 sports.williamhill.com A
expect 0.0.0.0 ede 15
row action=blocked user=press.officer1
clock 2026-11-28 23:00 Europe/London
ask 2001:db8:20::5 www.bet365.com A
expect 0.0.0.0 ede 15
row action=blocked
heard 0
