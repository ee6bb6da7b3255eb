# Internal names are answered whatever an exception for a group says; where the zone says `filter`, it is judged by that.
config
[policy.standard]
[[policy.standard.exception]]
group = "press"
names = ["one.example", "two.example"]
action = "block"
[group.press]
users = ["u1"]
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
static 10.0.0.7 user=u1
ask 10.0.0.7 ns.one.example A
expect 192.0.2.53 ttl 300
row action=allowed source=local category=-
ask 10.0.0.7 ns.two.example A
expect 0.0.0.0 ede 15
row action=blocked rule=policy.standard.exception[0]_press category=-
ask 10.0.0.8 ns.two.example A
expect 192.0.2.53
row action=allowed source=local
