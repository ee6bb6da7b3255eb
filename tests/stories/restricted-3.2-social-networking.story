# Clause 3.2: personal social networking is prohibited, at any hour; the sinkhole leads to the page that names the clause.
configuration config/examples/restricted.toml
upstream www.facebook.com A 192.0.2.1 ttl 3600
ask 10.20.1.5 www.facebook.com A
expect 10.1.1.1 ede 15 ttl 10
reason Personal social networking; Procedure 3.2
row action=blocked category=social-networking list=social-networking/social-networking.txt network_zone=hq-desktops
ask 2001:db8:20::5 www.instagram.com AAAA
expect 2001:db8:1::1 ede 15 ttl 10
row action=blocked category=social-networking
clock 2026-11-28 12:30 Europe/London
ask 10.20.1.5 www.facebook.com A
expect 10.1.1.1 ede 15
row action=blocked
# Elsewhere: what the desktops may not is marked on the investigators' network, not there at all for custody, and for visitors as 5.2 says.
ask 172.20.8.5 www.facebook.com A
expect 192.0.2.1 ttl 3600
row action=monitored category=social-networking network_zone=investigators
ask 10.40.1.5 www.facebook.com A
expect NXDOMAIN ede 15
row action=blocked network_zone=custody
ask 192.168.64.5 www.facebook.com A
expect 192.0.2.1 ttl 3600
row action=allowed category=- network_zone=public-wifi
