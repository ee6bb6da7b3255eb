# A grant opens a name to somebody whose policy answers nothing else; it ends by the clock, and no answer outlives it.
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
default = "block"
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
grant device=02:00:00:00:00:01 name=plain.example minutes=2
ask 10.0.0.7 plain.example A
expect 192.0.2.3 ttl 120
row action=granted rule=g-20261124-0001
clock + 1m30s
ask 10.0.0.7 plain.example A
expect 192.0.2.3 ttl 30
row action=granted source=cache
clock + 29s
ask 10.0.0.7 plain.example A
expect 192.0.2.3 ttl 1
clock + 1s
ask 10.0.0.7 plain.example A
expect 0.0.0.0 ede 15
row action=blocked rule=policy.standard.default_block
heard 1
