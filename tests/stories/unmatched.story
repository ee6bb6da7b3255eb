# A client of no network zone is refused, and its row says so.
config
[policy.standard]
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "standard"
end

ask 192.0.2.200 www.example A
expect REFUSED ede 18
row action=refused network_zone=unmatched client=192.0.2.200 rule=unmatched.action
heard 0
