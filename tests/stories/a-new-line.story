# A new line of a list blocks at once what was answered before, though its answer is kept.
config
[[category]]
name = "gambling"
lists = [{ path = "gambling.txt" }]
[policy.standard]
block = ["gambling"]
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "standard"
end
file gambling.txt
bet.example
end

upstream new.example A 192.0.2.1 ttl 300
ask 10.0.0.1 new.example A
expect 192.0.2.1
row action=allowed policy_generation=1
file gambling.txt
bet.example
new.example
end
reload
ask 10.0.0.1 new.example A
expect 0.0.0.0 ede 15
row action=blocked policy_generation=2 rule=2:new.example
heard 1
