# What a category is plainly goes before the default, whichever that is.
config
[[category]]
name = "social"
lists = [{ path = "social.txt" }]
[[category]]
name = "adult"
lists = [{ path = "adult.txt" }]
[policy.standard]
block = ["social"]
[policy.kiosk]
default = "block"
permit = ["social"]
monitor = ["adult"]
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
expect 0.0.0.0 ede 15
row action=blocked category=social
# A category the policy does not mention says nothing.
ask 10.0.0.8 adult.example A
expect 192.0.2.3
row action=allowed category=- rule=-
ask 10.9.0.8 social.example A
expect 192.0.2.1
row action=allowed category=social
ask 10.9.0.8 adult.example A
expect 192.0.2.3
row action=monitored category=adult
ask 10.9.0.8 plain.example A
expect 0.0.0.0 ede 15
row action=blocked category=-
