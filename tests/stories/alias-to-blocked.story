# A harmless name that is an alias of a blocked one is blocked, and the row says by what.
config
[[category]]
name = "gambling"
lists = [{ path = "gambling.txt" }]
[policy.standard]
block = ["gambling"]
[policy.open]
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "standard"
sinkhole = { ipv4 = "10.1.1.1", ttl = 7 }
[[network_zone]]
name = "lab"
clients = ["10.9.0.0/16"]
policy = "open"
end
file gambling.txt
# betting
bet.example
end

upstream fun.example CNAME www.bet.example. ttl 300
upstream www.bet.example A 192.0.2.66 ttl 300
ask 10.0.0.1 fun.example A
expect 10.1.1.1 ede 15 ttl 7
row action=blocked category=gambling list=gambling/gambling.txt rule=2:bet.example source=policy
# The answer is kept, the verdict is not: another network zone gets it, the first one still does not.
ask 10.9.0.1 fun.example A
expect 192.0.2.66
row action=allowed category=- source=cache network_zone=lab
clock + 100s
ask 10.0.0.1 fun.example A tcp
expect 10.1.1.1 ede 15 ttl 7
row action=blocked transport=tcp
heard 1
