# A list in the form of a zone says how each name is answered; a policy that writes its own response is stronger.
config
[[category]]
name = "social"
lists = [{ path = "social.rpz", format = "rpz" }]
[policy.standard]
block = ["social"]
[policy.plain]
block = ["social"]
response = "refused"
[[network_zone]]
name = "plain"
clients = ["10.9.0.0/16"]
policy = "plain"
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "standard"
end
file social.rpz
$TTL 60
$ORIGIN rpz.example.
@ IN SOA ns hostmaster 1 2 3 4 60
nx.example CNAME .
nodata.example CNAME *.
drop.example CNAME rpz-drop.
*.tree.example CNAME .
good.tree.example CNAME rpz-passthru.
own.example A 192.0.2.99
end
upstream social.example A 192.0.2.1 ttl 86400
upstream news.example A 192.0.2.2 ttl 86400
upstream adult.example A 192.0.2.3 ttl 86400
upstream plain.example A 192.0.2.4 ttl 86400
upstream good.tree.example A 192.0.2.5 ttl 60
upstream tree.example A 192.0.2.6 ttl 60
ask 10.0.0.8 nx.example A
expect NXDOMAIN ede 15
row action=blocked category=social
ask 10.0.0.8 nodata.example A
expect NODATA ede 15
row action=blocked
ask 10.0.0.8 drop.example A
expect silence
row action=blocked rcode=- answer=-
ask 10.0.0.8 own.example A
expect 192.0.2.99
row action=blocked
ask 10.0.0.8 good.tree.example A
expect 192.0.2.5
row action=allowed category=-
ask 10.0.0.8 bad.tree.example A
expect NXDOMAIN ede 15
ask 10.0.0.8 tree.example A
expect 192.0.2.6
ask 10.9.0.8 nx.example A
expect REFUSED ede 15
ask 10.9.0.8 drop.example A
expect REFUSED ede 15
row action=blocked network_zone=plain
ask 10.9.0.8 good.tree.example A
expect 192.0.2.5
