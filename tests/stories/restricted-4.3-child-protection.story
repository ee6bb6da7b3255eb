# Clause 4.3: child protection looks at what its enquiries concern, marked; the rest stays shut for it.
configuration config/examples/restricted.toml
upstream www.pornhub.com A 192.0.2.1 ttl 3600
upstream www.tinder.com A 192.0.2.2 ttl 3600
directory 10.20.1.5 user=dc.7 group=CN=Child_Protection,OU=Groups,DC=force,DC=example
ask 10.20.1.5 www.pornhub.com A
expect 192.0.2.1 ttl 3600
row action=monitored category=adult user=dc.7
ask 10.20.1.5 www.tinder.com A
expect 192.0.2.2
row action=monitored category=dating
ask 10.20.1.5 www.stormfront.org A
expect 10.1.1.1 ede 15
row action=blocked category=hate
ask 10.20.1.5 www.bet365.com A
expect 10.1.1.1 ede 15
row action=blocked category=gambling
ask 10.20.1.6 www.pornhub.com A
expect 10.1.1.1 ede 15
row action=blocked user=-
