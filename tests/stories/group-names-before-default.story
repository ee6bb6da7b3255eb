# A name for a group goes before the default: what it blocks is blocked where all else is answered, and the other way round.
config
[policy.standard]
[[policy.standard.exception]]
group = "press"
names = ["social.example"]
action = "block"
[policy.kiosk]
default = "block"
[[policy.kiosk.exception]]
group = "press"
names = ["plain.example"]
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
upstream social.example A 192.0.2.1 ttl 86400
upstream news.example A 192.0.2.2 ttl 86400
upstream adult.example A 192.0.2.3 ttl 86400
upstream plain.example A 192.0.2.4 ttl 86400
static 10.0.0.7 user=u1
static 10.9.0.7 user=u2
ask 10.0.0.7 social.example A
expect 0.0.0.0 ede 15
row action=blocked rule=policy.standard.exception[0]_press network_zone=hq
ask 10.0.0.8 social.example A
expect 192.0.2.1
ask 10.9.0.7 plain.example A
expect 192.0.2.4
row action=allowed rule=policy.kiosk.exception[0]_press network_zone=kiosks
ask 10.9.0.8 plain.example A
expect 0.0.0.0 ede 15
row action=blocked rule=policy.kiosk.default_block
