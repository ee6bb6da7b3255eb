# A granted category opens what no other category keeps shut, by group, by schedule or plain; a granted name opens it whole.
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
[[policy.standard.timed]]
categories = ["social"]
during = "lunch"
action = "block"
[[policy.standard.exception]]
group = "press"
categories = ["social"]
action = "block"
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
clock 2026-11-24 12:30 Europe/London
grant user=u1 category=social minutes=60
ask 10.0.0.7 social.example A
expect 192.0.2.1 ttl 3600
row action=granted rule=g-20261124-0001 category=social
ask 10.0.0.7 mixed.example A
expect 0.0.0.0 ede 15
row action=blocked category=adult
grant user=u1 name=mixed.example minutes=10
ask 10.0.0.7 mixed.example A
expect 192.0.2.2 ttl 600
row action=granted rule=g-20261124-0002 category=-
ask 10.0.0.8 social.example A
expect 0.0.0.0 ede 15
