# What a category is for a group goes before what it is at this hour, to allow and to block; its answer outlives the hour.
config
[[category]]
name = "social"
lists = [{ path = "social.txt" }]
[[category]]
name = "adult"
lists = [{ path = "adult.txt" }]
[policy.standard]
[[policy.standard.exception]]
group = "press"
categories = ["social"]
action = "allow"
[[policy.standard.exception]]
group = "press"
categories = ["adult"]
action = "block"
[[policy.standard.timed]]
categories = ["social"]
during = "lunch"
action = "block"
[[policy.standard.timed]]
categories = ["adult"]
during = "lunch"
action = "allow"
[schedule.lunch]
timezone = "Europe/London"
windows = ["daily 12:00-14:00"]
[group.press]
users = ["u1"]
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "standard"
end
file social.txt
social.example
news.example
end
file adult.txt
adult.example
end
upstream social.example A 192.0.2.1 ttl 86400
upstream news.example A 192.0.2.2 ttl 86400
upstream adult.example A 192.0.2.3 ttl 86400
upstream plain.example A 192.0.2.4 ttl 86400
static 10.0.0.7 user=u1
clock 2026-11-24 12:30 Europe/London
ask 10.0.0.7 social.example A
expect 192.0.2.1 ttl 86400
row action=allowed category=social
ask 10.0.0.7 adult.example A
expect 0.0.0.0 ede 15
row action=blocked category=adult
ask 10.0.0.8 social.example A
expect 0.0.0.0 ede 15
row action=blocked category=social
ask 10.0.0.8 adult.example A
expect 192.0.2.3 ttl 5400
row action=allowed category=adult
