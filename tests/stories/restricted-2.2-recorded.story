# Clause 2.2: no answer is without its row: allowed, blocked, marked, refused, internal, of a special name, and one that was kept.
configuration config/examples/restricted.toml
upstream news.example A 192.0.2.1 ttl 300
upstream www.bet365.com A 192.0.2.2 ttl 300
upstream portal.force.example A 192.0.2.3 ttl 300
ask 10.20.1.5 news.example A
expect 192.0.2.1
row action=allowed source=upstream network_zone=hq-desktops
ask 10.20.1.6 news.example A
expect 192.0.2.1
row action=allowed source=cache client=10.20.1.6
ask 10.20.1.5 www.bet365.com A
expect 10.1.1.1
row action=blocked source=policy
ask 172.20.8.5 www.bet365.com A
expect 192.0.2.2
row action=monitored network_zone=investigators
ask 10.40.1.5 portal.force.example A
expect 192.0.2.3
row action=allowed network_zone=custody
ask 10.20.1.5 localhost A
expect 127.0.0.1
row action=allowed source=policy
ask 203.0.113.9 news.example A
expect REFUSED
row action=refused network_zone=unmatched
