# A name for a group goes before a name of the policy, even a longer one, to allow and to block.
config
[policy.standard]
allow = ["www.plain.example"]
deny = ["www.social.example"]
[[policy.standard.exception]]
group = "press"
names = ["plain.example"]
action = "block"
[[policy.standard.exception]]
group = "press"
names = ["social.example"]
action = "monitor"
[group.press]
users = ["u1"]
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
upstream www.plain.example A 192.0.2.5 ttl 60
upstream www.social.example A 192.0.2.6 ttl 60
ask 10.0.0.7 www.plain.example A
expect 0.0.0.0 ede 15
row action=blocked rule=policy.standard.exception[0]_press
ask 10.0.0.8 www.plain.example A
expect 192.0.2.5
row action=allowed rule=policy.standard.allow[0]_www.plain.example
ask 10.0.0.7 www.social.example A
expect 192.0.2.6
row action=monitored rule=policy.standard.exception[1]_press
ask 10.0.0.8 www.social.example A
expect 0.0.0.0 ede 15
row action=blocked rule=policy.standard.deny[0]_www.social.example
