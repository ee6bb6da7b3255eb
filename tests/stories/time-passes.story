# An answer is given again until its time is over, counted down; so is a denial.
config
[policy.standard]
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "standard"
end

upstream www.example A 192.0.2.1 ttl 200
ask 10.0.0.1 www.example A
expect 192.0.2.1 ttl 200
row source=upstream
clock + 150s
ask 10.0.0.1 www.example A
expect 192.0.2.1 ttl 50
row source=cache
heard 1
clock + 50s
ask 10.0.0.1 www.example A
expect 192.0.2.1 ttl 200
heard 2
ask 10.0.0.1 nothing.example A
expect NXDOMAIN ttl 60
clock + 59s
ask 10.0.0.1 nothing.example A
expect NXDOMAIN ttl 1
heard 3
clock + 1s
ask 10.0.0.1 nothing.example A
expect NXDOMAIN ttl 60
heard 4
