# Clause 4.3: the hate crime team looks at hatred and where it is organised, marked; somebody of both teams at what either may.
configuration config/examples/restricted.toml
upstream www.stormfront.org A 192.0.2.1 ttl 3600
upstream www.facebook.com A 192.0.2.2 ttl 3600
upstream www.pornhub.com A 192.0.2.3 ttl 3600
directory 10.20.1.5 user=dc.8 group=CN=Hate_Crime_Team,OU=Groups,DC=force,DC=example
ask 10.20.1.5 www.stormfront.org A
expect 192.0.2.1 ttl 3600
row action=monitored category=hate user=dc.8
ask 10.20.1.5 www.pornhub.com A
expect 10.1.1.1 ede 15
row action=blocked category=adult
directory 10.20.1.6 user=dc.9 group=CN=Hate_Crime_Team,OU=Groups,DC=force,DC=example group=CN=Child_Protection,OU=Groups,DC=force,DC=example
ask 10.20.1.6 www.stormfront.org A
expect 192.0.2.1
ask 10.20.1.6 www.pornhub.com A
expect 192.0.2.3
# Of a press officer who is of the team as well, the strictest of both roles counts: answered, and marked.
directory 10.20.1.7 user=press.officer2 group=CN=Hate_Crime_Team,OU=Groups,DC=force,DC=example
ask 10.20.1.7 www.facebook.com A
expect 192.0.2.2
row action=monitored category=social-networking user=press.officer2
