# Clause 5.1: custody terminals reach the force's own services and a short list, and nothing else.
configuration config/examples/restricted.toml
upstream portal.force.example A 192.0.2.1 ttl 300
upstream www.gov.uk A 192.0.2.2 ttl 300
upstream www.pnld.co.uk A 192.0.2.3 ttl 300
upstream languageline.com A 192.0.2.4 ttl 300
ask 10.40.1.5 portal.force.example A
expect 192.0.2.1
row action=allowed network_zone=custody
ask 10.40.1.5 www.gov.uk A
expect 192.0.2.2
row action=allowed rule=policy.custody.allow[0]_=www.gov.uk
ask 2001:db8:40::5 www.pnld.co.uk A
expect 192.0.2.3
row action=allowed
ask 10.40.1.5 languageline.com A
expect 192.0.2.4
# One name of gov.uk, not all of them.
ask 10.40.1.5 tax.service.gov.uk A
expect NXDOMAIN ede 15
row action=blocked category=- rule=policy.closed.default_block
ask 10.40.15.255 www.facebook.com A
expect NXDOMAIN ede 15
row action=blocked
# The next address is nobody's: not even the force's own names are for it.
ask 10.40.16.0 portal.force.example A
expect REFUSED ede 18
row action=refused network_zone=unmatched
heard 4
