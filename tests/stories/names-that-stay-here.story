# Names of private space and of special use are answered here, and blocked where the policy says so.
config
[policy.standard]
deny = ["local"]
response = "nodata"
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "standard"
end

ask 10.0.0.1 1.0.0.10.in-addr.arpa PTR
expect NXDOMAIN
row source=policy rule=reverse_zone_of_private_space_(RFC_6303) action=allowed
ask 10.0.0.1 localhost A
expect 127.0.0.1
ask 10.0.0.1 1.0.0.127.in-addr.arpa PTR
expect PTR
ask 10.0.0.1 printer.local A
expect NODATA ede 15
row action=blocked
heard 0
