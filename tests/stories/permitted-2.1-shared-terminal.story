# Clause 2.1: the front counter is recorded as the terminal it is, and no one person is asserted to have used it.
configuration config/examples/permitted-personal-use.toml
upstream news.example A 192.0.2.2 ttl 300
ask 10.30.4.9 news.example A
expect 192.0.2.2
row host=FRONT-COUNTER-1 device=00:11:22:33:44:55 user=- via=static network_zone=stations
ask 10.30.4.9 www.bet365.com A
expect 0.0.0.0 ede 15
row action=blocked host=FRONT-COUNTER-1 user=-
ask 10.30.4.10 news.example A
expect 192.0.2.2
row host=- user=-
