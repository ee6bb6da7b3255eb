# A name of the policy goes before what its category is for a group, to allow and to deny.
config
[[category]]
name = "social"
lists = [{ path = "social.txt" }]
[[category]]
name = "adult"
lists = [{ path = "adult.txt" }]
[policy.standard]
allow = ["social.example"]
deny = ["adult.example"]
[[policy.standard.exception]]
group = "press"
categories = ["social"]
action = "block"
[[policy.standard.exception]]
group = "press"
categories = ["adult"]
action = "allow"
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
ask 10.0.0.7 social.example A
expect 192.0.2.1
row action=allowed rule=policy.standard.allow[0]_social.example category=-
ask 10.0.0.7 adult.example A
expect 0.0.0.0 ede 15
row action=blocked rule=policy.standard.deny[0]_adult.example category=-
ask 10.0.0.7 news.example A
expect 0.0.0.0 ede 15
row action=blocked category=social
