# Clause 4.5: a harmless name that leads to a way round the controls is not answered either.
configuration config/examples/permitted-personal-use.toml
upstream cdn.harmless.example CNAME edge.nordvpn.com. ttl 300
upstream edge.nordvpn.com A 192.0.2.66 ttl 300
ask 10.20.1.5 cdn.harmless.example A
expect 0.0.0.0 ede 15 ttl 10
reason Going round the controls; Procedure 4.5
row action=blocked category=proxy-bypass
# No machine is told of another resolver by the name at which it asks for one.
ask 10.20.1.5 _dns.resolver.arpa SVCB
expect NODATA ede 15
row action=blocked source=policy category=proxy-bypass
