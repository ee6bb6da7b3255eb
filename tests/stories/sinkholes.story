# Each network zone has its own sinkhole; an IPv4-mapped client is an IPv4 client.
config
[[category]]
name = "gambling"
lists = [{ path = "gambling.txt" }]
[policy.standard]
block = ["gambling"]
[[network_zone]]
name = "a"
clients = ["10.1.0.0/16"]
policy = "standard"
sinkhole = { ipv4 = "10.1.1.1", ipv6 = "fd00::1", ttl = 5 }
[[network_zone]]
name = "b"
clients = ["10.2.0.0/16"]
policy = "standard"
sinkhole = { ipv4 = "10.2.1.1" }
end
file gambling.txt
bet.example
end

ask 10.1.0.1 bet.example A
expect 10.1.1.1 ttl 5
ask 10.1.0.1 bet.example AAAA
expect fd00::1 ttl 5
ask ::ffff:10.2.0.1 bet.example A
expect 10.2.1.1 ttl 10
row network_zone=b client=10.2.0.1
ask 10.2.0.1 bet.example AAAA
expect :: ttl 10
ask 10.2.0.1 bet.example MX
expect NODATA ttl 10 ede 15
