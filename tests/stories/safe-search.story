# A rewrite answers with another name, which is judged and resolved in its turn.
config
[policy.standard]
deny = ["casino.example"]
[policy.standard.rewrite]
"www.search.example" = "safe.search.example"
"old.example" = "www.search.example"
"luck.example" = "www.casino.example"
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "standard"
end

upstream safe.search.example A 192.0.2.1 ttl 60
upstream www.search.example A 192.0.2.99 ttl 60
ask 10.0.0.1 www.search.example A
expect 192.0.2.1
row action=allowed rule=policy.standard.rewrite_www.search.example
ask 10.0.0.1 old.example A
expect 192.0.2.1
ask 10.0.0.1 luck.example A
expect 0.0.0.0 ede 15
row action=blocked rule=policy.standard.deny[0]_casino.example
heard 1
