# Of several categories that hold a name the strictest wins, whichever tier gave each its action; of equally strict ones the longest rule.
config
[[category]]
name = "social"
lists = [{ path = "social.txt" }]
[[category]]
name = "adult"
lists = [{ path = "adult.txt" }]
[[category]]
name = "chat"
lists = [{ path = "chat.txt" }]
[policy.standard]
block = ["adult"]
monitor = ["chat"]
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
example
end
file adult.txt
adult.example
end
file chat.txt
chat.example
www.adult.example
end
upstream social.example A 192.0.2.1 ttl 86400
upstream news.example A 192.0.2.2 ttl 86400
upstream adult.example A 192.0.2.3 ttl 86400
upstream plain.example A 192.0.2.4 ttl 86400
static 10.0.0.7 user=u1
upstream chat.example A 192.0.2.5 ttl 60
upstream www.adult.example A 192.0.2.6 ttl 60
# A single label is no name of a list: nothing holds this one.
ask 10.0.0.8 plain.example A
expect 192.0.2.4
row category=-
ask 10.0.0.8 chat.example A
expect 192.0.2.5
row action=monitored category=chat
# A shorter rule that blocks is stronger than a longer one that marks.
ask 10.0.0.8 www.adult.example A
expect 0.0.0.0 ede 15
row action=blocked category=adult rule=1:adult.example
# For the press office it is allowed by one and marked by the other.
ask 10.0.0.7 www.adult.example A
expect 192.0.2.6
row action=monitored category=chat rule=2:www.adult.example
ask 10.0.0.7 adult.example A
expect 192.0.2.3
row action=allowed category=adult
