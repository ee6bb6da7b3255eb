# The exception of one list leaves the name to another list of the category; that of the category takes it out of both.
config
[[category]]
name = "social"
lists = [{ path = "one.txt", except = ["one-except.txt"] }, { path = "two.txt" }]
except = ["except.txt"]
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
file one.txt
social.example
news.example
plain.example
end
file one-except.txt
social.example
news.example
end
file two.txt
news.example
www.plain.example
end
file except.txt
plain.example
adult.example
end
file adult.txt
adult.example
end
upstream social.example A 192.0.2.1 ttl 86400
upstream news.example A 192.0.2.2 ttl 86400
upstream adult.example A 192.0.2.3 ttl 86400
upstream plain.example A 192.0.2.4 ttl 86400
upstream x.plain.example A 192.0.2.5 ttl 60
ask 10.0.0.8 social.example A
expect 192.0.2.1
row action=allowed category=-
ask 10.0.0.8 news.example A
expect 0.0.0.0 ede 15
row action=blocked category=social list=social/two.txt rule=1:news.example
ask 10.0.0.8 x.plain.example A
expect 192.0.2.5
row action=allowed category=-
# A longer name of a list is stronger than the exception.
ask 10.0.0.8 www.plain.example A
expect 0.0.0.0 ede 15
row action=blocked list=social/two.txt rule=2:www.plain.example
# An exception of one category takes nothing out of another.
ask 10.0.0.8 adult.example A
expect 0.0.0.0 ede 15
row action=blocked category=adult
