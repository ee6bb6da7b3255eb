# A name with = in front stands for itself alone.
config
[policy.standard]
deny = ["=bet.example"]
response = "nxdomain"
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "standard"
end

upstream www.bet.example A 192.0.2.1 ttl 60
ask 10.0.0.1 bet.example A
expect NXDOMAIN ede 15
ask 10.0.0.1 www.bet.example A
expect 192.0.2.1
