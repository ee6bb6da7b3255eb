# Clause 2.1: every use is recorded, whatever became of it; the services of partners are for policing, whatever list they stray onto.
configuration config/examples/permitted-personal-use.toml
upstream www.gov.uk A 192.0.2.1 ttl 300
upstream news.example A 192.0.2.2 ttl 300
ask 10.20.1.5 www.gov.uk A
expect 192.0.2.1 ttl 300
row action=allowed rule=policy.standard.allow[2]_gov.uk network_zone=headquarters client=10.20.1.5
ask 2001:db8:30::5 news.example A tcp
expect 192.0.2.2
row action=allowed rule=- category=- network_zone=stations transport=tcp client=2001:db8:30::5
ask 10.20.1.5 no-such-name.example A
expect NXDOMAIN
row action=allowed rcode=3 network_zone=headquarters
# Whoever is of no network of the force is refused, and recorded too.
ask 203.0.113.9 news.example A
expect REFUSED ede 18
row action=refused network_zone=unmatched rule=unmatched.action
