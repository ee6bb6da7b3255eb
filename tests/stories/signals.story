# A name whose address is a signal to software gets none, whichever rule blocks it and whatever leads to it.
config
[[category]]
name = "hosts"
lists = [{ path = "hosts.txt", format = "hosts" }]
[[category]]
name = "zone"
lists = [{ path = "zone.rpz", format = "rpz" }]
[policy.standard]
block = ["hosts", "zone"]
deny = ["denied.example"]
[policy.written]
inherits = "standard"
response = "sinkhole"
[policy.silent]
inherits = "standard"
response = "nodata"
[policy.denying]
deny = ["icloud.com"]
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "standard"
[[network_zone]]
name = "written"
clients = ["10.1.0.0/16"]
policy = "written"
[[network_zone]]
name = "silent"
clients = ["10.2.0.0/16"]
policy = "silent"
[[network_zone]]
name = "denying"
clients = ["10.3.0.0/16"]
policy = "denying"
end
file hosts.txt
0.0.0.0 use-application-dns.net
0.0.0.0 dns.resolver.example
end
file zone.rpz
$TTL 60
$ORIGIN rpz.example.
@ IN SOA ns hostmaster 1 2 3 4 60
mask.icloud.com A 192.0.2.99
mask-h2.icloud.com CNAME garden.example.
end
upstream garden.example A 192.0.2.9 ttl 60
upstream browser.example CNAME use-application-dns.net. ttl 300
upstream use-application-dns.net A 192.0.2.1 ttl 300
ask 10.0.0.1 use-application-dns.net A
expect NXDOMAIN ede 15 ttl 10
row action=blocked list=hosts/hosts.txt rule=1:use-application-dns.net rcode=3
ask 10.0.0.1 www.use-application-dns.net A
expect 0.0.0.0 ede 15
ask 10.0.0.1 dns.resolver.example A
expect 0.0.0.0 ede 15
# Records of a list are a yes as well.
ask 10.0.0.1 mask.icloud.com A
expect NXDOMAIN ede 15
row action=blocked list=zone/zone.rpz rcode=3 answer=-
ask 10.0.0.1 mask-h2.icloud.com A
expect NXDOMAIN ede 15
row action=blocked list=zone/zone.rpz rcode=3 answer=-
heard 0
# What leads to one of them.
ask 10.0.0.1 browser.example A
expect NXDOMAIN ede 15
row action=blocked list=hosts/hosts.txt rule=1:use-application-dns.net rcode=3
# The sinkhole that is written is the same, and what else is written holds.
ask 10.1.0.1 use-application-dns.net AAAA
expect NXDOMAIN ede 15
ask 10.1.0.1 mask.icloud.com HTTPS
expect NXDOMAIN ede 15
ask 10.2.0.1 use-application-dns.net A
expect NODATA ede 15
# Also where a parent is denied by the policy itself.
ask 10.3.0.1 mask.icloud.com A
expect NXDOMAIN ede 15
row action=blocked rule=policy.denying.deny[0]_icloud.com
ask 10.3.0.1 www.icloud.com A
expect 0.0.0.0 ede 15
