# Clause 3.1: browsers and phones that ask whether they may go round the controls are told no; an address would be a yes.
configuration config/examples/restricted.toml
upstream use-application-dns.net A 192.0.2.1 ttl 300
upstream mask.icloud.com A 192.0.2.2 ttl 300
ask 10.20.1.5 use-application-dns.net A
expect NXDOMAIN ede 15
reason Going round the controls; Procedure 3.1
row action=blocked category=proxy-bypass list=proxy-bypass/proxy-bypass.txt network_zone=hq-desktops rcode=3 answer=-
ask 10.20.1.5 use-application-dns.net AAAA
expect NXDOMAIN ede 15
ask 10.20.1.5 mask.icloud.com A
expect NXDOMAIN ede 15
ask 10.20.1.5 mask.icloud.com HTTPS
expect NXDOMAIN ede 15
ask 2001:db8:20::5 mask-h2.icloud.com AAAA
expect NXDOMAIN ede 15
row action=blocked category=proxy-bypass
ask 192.168.64.5 mask.icloud.com AAAA
expect NXDOMAIN ede 15
row action=blocked network_zone=public-wifi
heard 0
# On the investigators' network it is answered as anybody would see it, and marked.
ask 172.20.8.5 mask.icloud.com A
expect 192.0.2.2
row action=monitored category=proxy-bypass network_zone=investigators
