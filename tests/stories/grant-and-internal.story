# Internal names are answered without policy: no grant is used for them. Where the zone says so, they are judged, and it is.
config
[withdrawal]
essential = ["portal.example", "=login.example"]
[[category]]
name = "social"
lists = [{ path = "social.txt" }]
[[category]]
name = "adult"
lists = [{ path = "adult.txt" }]
[policy.standard]
deny = ["one.example", "two.example"]
[[local_zone]]
name = "one.example"
file = "desk.zone"
[[local_zone]]
name = "two.example"
file = "desk.zone"
filter = true
[group.press]
devices = ["02:00:00:00:00:01"]
[schedule.lunch]
timezone = "Europe/London"
windows = ["daily 12:00-14:00"]
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "standard"
end
file social.txt
social.example
mixed.example
end
file adult.txt
mixed.example
end
static 10.0.0.7 user=u1 device=02:00:00:00:00:01
upstream social.example A 192.0.2.1 ttl 86400
upstream mixed.example A 192.0.2.2 ttl 86400
upstream plain.example A 192.0.2.3 ttl 86400
upstream denied.example A 192.0.2.4 ttl 86400
upstream portal.example A 192.0.2.5 ttl 86400
upstream login.example A 192.0.2.6 ttl 86400
upstream www.login.example A 192.0.2.7 ttl 86400
file desk.zone
$TTL 300
@ IN SOA ns hostmaster 1 2 3 4 60
@ IN NS ns
ns IN A 192.0.2.53
end
grant user=u1 name=one.example minutes=60
grant user=u1 name=two.example minutes=1
ask 10.0.0.7 ns.one.example A
expect 192.0.2.53 ttl 300
row action=allowed
ask 10.0.0.7 ns.two.example A
expect 192.0.2.53 ttl 60
row action=granted rule=g-20261124-0002 source=local
ask 10.0.0.8 ns.two.example A
expect 0.0.0.0 ede 15
