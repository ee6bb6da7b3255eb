# The longest name speaks, whichever it is.
config
[policy.standard]
deny = ["example", "deep.good.example"]
allow = ["good.example"]
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "standard"
end

upstream www.good.example A 192.0.2.2 ttl 60
upstream deep.good.example A 192.0.2.3 ttl 60
ask 10.0.0.1 www.good.example A
expect 192.0.2.2
row action=allowed rule=policy.standard.allow[0]_good.example
ask 10.0.0.1 x.deep.good.example A
expect 0.0.0.0
row action=blocked rule=policy.standard.deny[1]_deep.good.example
ask 10.0.0.1 other.example AAAA
expect ::
heard 1
