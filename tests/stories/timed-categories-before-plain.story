# What a category is at this hour goes before what it is plainly, to allow and to block; of two schedules in force the strictest counts.
config
[[category]]
name = "social"
lists = [{ path = "social.txt" }]
[[category]]
name = "adult"
lists = [{ path = "adult.txt" }]
[policy.standard]
default = "block"
block = ["social"]
permit = ["adult"]
[[policy.standard.timed]]
categories = ["social"]
during = "lunch"
action = "allow"
[[policy.standard.timed]]
categories = ["adult"]
during = "lunch"
action = "block"
[[policy.standard.timed]]
categories = ["social"]
during = "late-lunch"
action = "monitor"
[schedule.late-lunch]
timezone = "Europe/London"
windows = ["daily 13:00-14:30"]
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
news.example
end
file adult.txt
adult.example
end
upstream social.example A 192.0.2.1 ttl 86400
upstream news.example A 192.0.2.2 ttl 86400
upstream adult.example A 192.0.2.3 ttl 86400
upstream plain.example A 192.0.2.4 ttl 86400
clock 2026-11-24 11:59:58 Europe/London
ask 10.0.0.8 social.example A
expect 0.0.0.0 ede 15 ttl 2
row action=blocked category=social
ask 10.0.0.8 adult.example A
expect 192.0.2.3 ttl 2
row action=allowed category=adult
clock 2026-11-24 12:00 Europe/London
ask 10.0.0.8 social.example A
expect 192.0.2.1 ttl 3600
row action=allowed category=social
ask 10.0.0.8 adult.example A
expect 0.0.0.0 ede 15
row action=blocked category=adult
clock 2026-11-24 13:00 Europe/London
ask 10.0.0.8 social.example A
expect 192.0.2.1 ttl 3600
row action=monitored
clock 2026-11-24 14:00 Europe/London
ask 10.0.0.8 social.example A
expect 192.0.2.1 ttl 1800
row action=monitored
clock 2026-11-24 14:30 Europe/London
ask 10.0.0.8 social.example A
expect 0.0.0.0 ede 15
