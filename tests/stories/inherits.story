# What a policy writes comes before what it starts from, line by line; the rest it has from there, and the rule says where it is written.
config
[[category]]
name = "social"
lists = [{ path = "social.txt" }]
[[category]]
name = "adult"
lists = [{ path = "adult.txt" }]
[policy.base]
block = ["social", "adult"]
deny = ["plain.example", "www.news.example"]
response = "nxdomain"
[[policy.base.timed]]
categories = ["social"]
during = "lunch"
action = "allow"
[policy.standard]
inherits = "base"
permit = ["adult"]
allow = ["plain.example"]
[policy.kiosk]
inherits = "standard"
default = "block"
response = "refused"
[[policy.kiosk.timed]]
categories = ["social"]
during = "lunch"
action = "monitor"
[schedule.lunch]
timezone = "Europe/London"
windows = ["daily 12:00-14:00"]
[[network_zone]]
name = "kiosks"
clients = ["10.9.0.0/16"]
policy = "kiosk"
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
ask 10.0.0.8 social.example A
expect NXDOMAIN ede 15
row action=blocked category=social
ask 10.0.0.8 adult.example A
expect 192.0.2.3
row action=allowed category=adult
ask 10.0.0.8 plain.example A
expect 192.0.2.4
row action=allowed rule=policy.standard.allow[0]_plain.example
ask 10.0.0.8 www.news.example A
expect NXDOMAIN ede 15
row action=blocked rule=policy.base.deny[1]_www.news.example
ask 10.9.0.8 plain.example A
expect 192.0.2.4
row action=allowed rule=policy.standard.allow[0]_plain.example
ask 10.9.0.8 other.example A
expect REFUSED ede 15
row action=blocked rule=policy.kiosk.default_block
clock 2026-11-24 12:30 Europe/London
ask 10.0.0.8 social.example A
expect 192.0.2.1 ttl 5400
row action=allowed
ask 10.9.0.8 social.example A
expect 192.0.2.1 ttl 5400
row action=monitored network_zone=kiosks
