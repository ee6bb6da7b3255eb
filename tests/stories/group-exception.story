# The press office may; others may not. Names of an exception go before those of the policy.
config
[[category]]
name = "social"
lists = [{ path = "social.txt" }]
[policy.standard]
block = ["social"]
deny = ["rival.example"]
[[policy.standard.exception]]
group = "press"
categories = ["social"]
names = ["rival.example"]
action = "monitor"
[group.press]
users = ["u4711"]
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "standard"
[[attribution.static]]
client = "10.0.0.7"
user = "u4711"
end
file social.txt
social.example
end
upstream social.example A 192.0.2.9 ttl 0
upstream rival.example A 192.0.2.10 ttl 60
ask 10.0.0.7 social.example A
expect 192.0.2.9
row action=monitored user=u4711 via=static category=social
ask 10.0.0.8 social.example A
expect 0.0.0.0 ede 15
row action=blocked user=- category=social
ask 10.0.0.7 rival.example A
expect 192.0.2.10
row action=monitored rule=policy.standard.exception[0]_press
ask 10.0.0.8 rival.example A
expect 0.0.0.0 ede 15
