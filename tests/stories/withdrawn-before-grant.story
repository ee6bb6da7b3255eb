# A grant lifts no withdrawal, whichever was written first; when access is restored it speaks again.
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
grant user=u1 name=denied.example minutes=300
ask 10.0.0.7 denied.example A
expect 192.0.2.4 ttl 18000
row action=granted rule=g-20261124-0001 user=u1
withdraw user=u1 expires=2h
ask 10.0.0.7 denied.example A
expect 0.0.0.0 ede 15
row action=blocked rule=w-20261124-0001_by_user
grant user=u1 category=social minutes=300
ask 10.0.0.7 social.example A
expect 0.0.0.0 ede 15
restore w-20261124-0001
ask 10.0.0.7 denied.example A
expect 192.0.2.4
ask 10.0.0.7 social.example A
expect 192.0.2.1
row action=granted rule=g-20261124-0002 category=social
