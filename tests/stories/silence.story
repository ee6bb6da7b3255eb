# A policy that answers a block with silence still leaves a row.
config
[policy.standard]
deny = ["bet.example"]
response = "drop"
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "standard"
end

ask 10.0.0.1 www.bet.example A
expect silence
row action=blocked rcode=- answer=- rule=policy.standard.deny[0]_bet.example
