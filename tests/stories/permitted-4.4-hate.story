# Clause 4.4: hatred and violent extremism is not answered at any time, on duty or in own time, nor is it to the press office.
configuration config/examples/permitted-personal-use.toml
static 10.20.1.7 user=press.officer1
ask 10.20.1.5 www.stormfront.org A
expect 0.0.0.0 ede 15 ttl 10
reason Hatred and violent extremism; Procedure 4.4
row action=blocked category=hate list=hate/hate.txt network_zone=headquarters
ask 10.30.1.5 almanar.com.lb AAAA
expect :: ede 15
row action=blocked category=hate network_zone=stations
clock 2026-11-24 12:59:55 Europe/London
ask 10.20.1.5 www.stormfront.org A
expect 0.0.0.0 ede 15 ttl 10
row action=blocked category=hate
ask 10.20.1.7 almanar.com.lb A
expect 0.0.0.0 ede 15
row action=blocked user=press.officer1
clock 2026-11-28 23:00 Europe/London
ask 2001:db8:20::5 www.stormfront.org A
expect 0.0.0.0 ede 15
row action=blocked
heard 0
