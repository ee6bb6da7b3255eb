# What a category is plainly is withdrawn with the rest; an essential name is decided by it, both ways.
config
[withdrawal]
essential = ["news.example", "adult.example"]
[[category]]
name = "social"
lists = [{ path = "social.txt" }]
[[category]]
name = "adult"
lists = [{ path = "adult.txt" }]
[policy.standard]
default = "block"
permit = ["social"]
block = ["adult"]
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
withdraw user=u1 expires=2h
ask 10.0.0.7 social.example A
expect 0.0.0.0 ede 15
row action=blocked rule=w-20261124-0001_by_user category=-
ask 10.0.0.7 news.example A
expect 192.0.2.2
row action=allowed category=social
ask 10.0.0.7 adult.example A
expect 0.0.0.0 ede 15
row action=blocked category=adult
ask 10.0.0.8 social.example A
expect 192.0.2.1
