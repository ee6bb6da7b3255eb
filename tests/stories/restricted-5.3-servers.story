# Clause 5.3: servers reach what they are listed for; any other name is as if there were none, and its row is there to look at.
configuration config/examples/restricted.toml
upstream security.ubuntu.com A 192.0.2.1 ttl 300
upstream au.download.windowsupdate.com A 192.0.2.2 ttl 300
upstream ldap.force.example A 192.0.2.3 ttl 300
ask 10.10.1.5 security.ubuntu.com A
expect 192.0.2.1
row action=allowed rule=policy.servers.allow[2]_security.ubuntu.com network_zone=servers
ask 10.10.1.5 au.download.windowsupdate.com A
expect 192.0.2.2
row action=allowed rule=policy.servers.allow[0]_windowsupdate.com
ask 2001:db8:10::5 ldap.force.example A
expect 192.0.2.3
row action=allowed
ask 10.10.1.5 ubuntu.com A
expect NXDOMAIN ede 15
row action=blocked rule=policy.closed.default_block
# The short list of custody is none of theirs.
ask 10.10.1.5 www.gov.uk A
expect NXDOMAIN ede 15
ask 10.10.1.5 command-and-control.example A
expect NXDOMAIN ede 15
row action=blocked client=10.10.1.5 network_zone=servers
heard 3
