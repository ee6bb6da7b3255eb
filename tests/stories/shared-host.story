# Whoever sits at a shared host is not asserted, so nobody there is in a group of users.
config
[[category]]
name = "social"
lists = [{ path = "social.txt" }]
[policy.standard]
block = ["social"]
[[policy.standard.exception]]
group = "press"
categories = ["social"]
action = "allow"
[group.press]
users = ["u4711"]
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "standard"
[[attribution.static]]
client = "10.0.0.7"
host = "TS-1"
user = "u4711"
shared = true
end
file social.txt
social.example
end

ask 10.0.0.7 social.example A
expect 0.0.0.0 ede 15
row action=blocked user=- host=TS-1 via=static
