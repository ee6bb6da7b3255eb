# What a category is at this hour goes before the default, whichever that is; out of hours the default speaks.
config
[[category]]
name = "social"
lists = [{ path = "social.txt" }]
[policy.standard]
[[policy.standard.timed]]
categories = ["social"]
during = "lunch"
action = "block"
[policy.kiosk]
default = "block"
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
upstream social.example A 192.0.2.1 ttl 86400
upstream news.example A 192.0.2.2 ttl 86400
upstream adult.example A 192.0.2.3 ttl 86400
upstream plain.example A 192.0.2.4 ttl 86400
ask 10.0.0.8 social.example A
expect 192.0.2.1 ttl 6300
row action=allowed category=-
ask 10.9.0.8 social.example A
expect 0.0.0.0 ede 15
row action=blocked rule=policy.kiosk.default_block
clock 2026-11-24 12:00 Europe/London
ask 10.0.0.8 social.example A
expect 0.0.0.0 ede 15
row action=blocked category=social
ask 10.9.0.8 social.example A
expect 192.0.2.1 ttl 7200
row action=monitored category=social
