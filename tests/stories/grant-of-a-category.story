# A grant of a category opens it for the one it names, where no other category keeps the name shut, and not where it leads elsewhere.
config
[[category]]
name = "social"
lists = [{ path = "social.txt" }]
[[category]]
name = "adult"
lists = [{ path = "adult.txt" }]
[policy.standard]
block = ["social", "adult"]
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "standard"
end
file social.txt
social.example
both.example
end
file adult.txt
adult.example
both.example
end
upstream social.example A 192.0.2.1 ttl 86400
upstream news.example A 192.0.2.2 ttl 86400
upstream adult.example A 192.0.2.3 ttl 86400
upstream plain.example A 192.0.2.4 ttl 86400
static 10.0.0.7 user=u1
upstream both.example A 192.0.2.5 ttl 60
upstream www.social.example CNAME adult.example ttl 60
grant user=u1 category=social minutes=60
ask 10.0.0.7 social.example A
expect 192.0.2.1 ttl 3600
row action=granted category=social rule=g-20261124-0001
ask 10.0.0.7 both.example A
expect 0.0.0.0 ede 15
row action=blocked category=adult
ask 10.0.0.7 www.social.example A
expect 0.0.0.0 ede 15
row action=blocked category=adult
grant user=u1 category=adult minutes=10
ask 10.0.0.7 both.example A
expect 192.0.2.5
row action=granted
ask 10.0.0.7 www.social.example A
expect 192.0.2.3
row action=granted
ask 10.0.0.8 social.example A
expect 0.0.0.0 ede 15
revoke g-20261124-0001
ask 10.0.0.7 both.example A
expect 0.0.0.0 ede 15
row action=blocked category=social
