# A grant opens what a category for a group keeps shut, and marks what it leaves open; when it is revoked, that speaks again.
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
expect 0.0.0.0 ede 15
row action=blocked category=social
grant user=u1 category=social minutes=30
ask 10.0.0.7 social.example A
expect 192.0.2.1 ttl 1800
row action=granted rule=g-20261124-0001 category=social
revoke g-20261124-0001
ask 10.0.0.7 social.example A
expect 0.0.0.0 ede 15
row action=blocked category=social
grant user=u1 name=adult.example minutes=30
ask 10.0.0.7 adult.example A
expect 192.0.2.3 ttl 1800
row action=granted rule=g-20261124-0002 category=-
clock + 30m
ask 10.0.0.7 adult.example A
expect 192.0.2.3
row action=allowed category=adult
