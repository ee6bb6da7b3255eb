# Internal names are answered whatever the default says; where the zone says `filter`, it is judged by that.
config
[policy.standard]
default = "block"
[[local_zone]]
name = "one.example"
file = "desk.zone"
[[local_zone]]
name = "two.example"
file = "desk.zone"
filter = true
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "standard"
end
file desk.zone
$TTL 300
@ IN SOA ns hostmaster 1 2 3 4 60
@ IN NS ns
ns IN A 192.0.2.53
end
ask 10.0.0.7 ns.one.example A
expect 192.0.2.53 ttl 300
row action=allowed source=local category=-
ask 10.0.0.7 ns.two.example A
expect 0.0.0.0 ede 15
row action=blocked rule=policy.standard.default_block category=-
