# What a category is for a group goes before the default, whichever that is.
config
[[category]]
name = "social"
lists = [{ path = "social.txt" }]
[policy.standard]
[[policy.standard.exception]]
group = "press"
categories = ["social"]
action = "block"
[policy.kiosk]
default = "block"
[[policy.kiosk.exception]]
group = "press"
categories = ["social"]
action = "allow"
[group.press]
users = ["u1", "u2"]
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
static 10.0.0.7 user=u1
static 10.9.0.7 user=u2
ask 10.0.0.7 social.example A
expect 0.0.0.0 ede 15
row action=blocked category=social
ask 10.0.0.8 social.example A
expect 192.0.2.1
row action=allowed category=-
ask 10.9.0.7 social.example A
expect 192.0.2.1
row action=allowed category=social
ask 10.9.0.8 social.example A
expect 0.0.0.0 ede 15
row action=blocked category=- rule=policy.kiosk.default_block
