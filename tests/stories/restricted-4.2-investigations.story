# Clause 4.2: on their own network investigators see what anybody would see, and everything prohibited elsewhere is marked.
configuration config/examples/restricted.toml
upstream www.stormfront.org A 192.0.2.1 ttl 3600
upstream nordvpn.com A 192.0.2.2 ttl 3600
upstream www.google.com A 192.0.2.3 ttl 3600
upstream news.example A 192.0.2.4 ttl 3600
upstream fun.example CNAME www.bet365.com. ttl 300
upstream www.bet365.com A 192.0.2.5 ttl 300
ask 172.20.8.5 www.stormfront.org A
expect 192.0.2.1 ttl 3600
row action=monitored category=hate network_zone=investigators
ask 172.20.11.255 nordvpn.com A
expect 192.0.2.2
row action=monitored category=proxy-bypass
ask 172.20.8.5 www.google.com A
expect 192.0.2.3
row action=allowed rule=-
ask 172.20.8.5 news.example A
expect 192.0.2.4
row action=allowed category=-
# A mark follows where an answer leads.
ask 172.20.8.5 fun.example A
expect 192.0.2.5
row action=monitored category=gambling
# The next network is none of theirs.
ask 172.20.12.1 www.stormfront.org A
expect REFUSED ede 18
row action=refused network_zone=unmatched
