# Clause 4.5: browsers and phones that ask whether they may go round the controls are told no; the sinkhole would be a yes.
configuration config/examples/permitted-personal-use.toml
upstream use-application-dns.net A 192.0.2.1 ttl 300
upstream mask.icloud.com A 192.0.2.2 ttl 300
upstream mask-h2.icloud.com A 192.0.2.3 ttl 300
ask 10.20.1.5 use-application-dns.net A
expect NXDOMAIN ede 15
reason Going round the controls; Procedure 4.5
row action=blocked category=proxy-bypass list=proxy-bypass/proxy-bypass.txt rcode=3 answer=- source=policy
ask 10.20.1.5 use-application-dns.net AAAA
expect NXDOMAIN ede 15
ask 10.20.1.5 use-application-dns.net HTTPS
expect NXDOMAIN ede 15
ask 10.30.1.5 mask.icloud.com A
expect NXDOMAIN ede 15
row action=blocked category=proxy-bypass list=proxy-bypass/proxy-bypass.txt network_zone=stations
ask 10.30.1.5 mask.icloud.com AAAA
expect NXDOMAIN ede 15
ask 10.30.1.5 mask.icloud.com HTTPS
expect NXDOMAIN ede 15
ask 10.30.1.5 mask-h2.icloud.com A
expect NXDOMAIN ede 15
row action=blocked category=proxy-bypass
ask 10.30.1.5 mask-h2.icloud.com AAAA tcp
expect NXDOMAIN ede 15
ask 10.30.1.5 mask-h2.icloud.com HTTPS
expect NXDOMAIN ede 15
heard 0
