# A name of the policy goes before the default, whichever that is.
config
[policy.standard]
deny = ["social.example"]
[policy.kiosk]
default = "block"
allow = ["plain.example"]
rewrite = { "www.kiosk.example" = "192.0.2.80" }
[[network_zone]]
name = "kiosks"
clients = ["10.9.0.0/16"]
policy = "kiosk"
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "standard"
end
upstream social.example A 192.0.2.1 ttl 86400
upstream news.example A 192.0.2.2 ttl 86400
upstream adult.example A 192.0.2.3 ttl 86400
upstream plain.example A 192.0.2.4 ttl 86400
ask 10.0.0.8 www.social.example A
expect 0.0.0.0 ede 15
row action=blocked rule=policy.standard.deny[0]_social.example
ask 10.0.0.8 plain.example A
expect 192.0.2.4
row action=allowed rule=-
ask 10.9.0.8 plain.example A
expect 192.0.2.4
row action=allowed rule=policy.kiosk.allow[0]_plain.example
ask 10.9.0.8 www.kiosk.example A
expect 192.0.2.80
row action=allowed source=policy
ask 10.9.0.8 news.example A
expect 0.0.0.0 ede 15
row action=blocked rule=policy.kiosk.default_block
