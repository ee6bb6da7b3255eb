# What is allowed by default is withdrawn; it begins and ends by the clock, and no answer outlives either.
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
block = ["social", "adult"]
deny = ["denied.example"]
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
withdraw user=u1 start=10m expires=20m
ask 10.0.0.7 plain.example A
expect 192.0.2.3 ttl 600
clock + 10m
ask 10.0.0.7 plain.example A
expect 0.0.0.0 ede 15
row action=blocked rule=w-20261124-0001_by_user
clock + 9m55s
ask 10.0.0.7 plain.example A
expect 0.0.0.0 ttl 5
clock + 5s
ask 10.0.0.7 plain.example A
expect 192.0.2.3
row action=allowed rule=-
