# A monitored category is answered and marked; the strictest of several categories counts.
config
[[category]]
name = "social"
lists = [{ path = "social.txt" }]
[[category]]
name = "chat"
lists = [{ path = "chat.txt" }]
[[category]]
name = "dating"
lists = [{ path = "dating.txt" }]
[policy.standard]
monitor = ["social", "chat"]
block = ["dating"]
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "standard"
end
file social.txt
social.example
end
file chat.txt
chat.example
end
file dating.txt
date.chat.example
end
upstream social.example A 192.0.2.9 ttl 0
upstream chat.example A 192.0.2.3 ttl 60
ask 10.0.0.1 social.example A
expect 192.0.2.9
row action=monitored category=social rcode=0
ask 10.0.0.1 chat.example A
expect 192.0.2.3
row action=monitored category=chat
ask 10.0.0.1 date.chat.example A
expect 0.0.0.0
row action=blocked category=dating rule=1:date.chat.example
