# Names that lead nowhere need no permission; a block that means them stays one.
config
[[category]]
name = "reverse"
lists = [{ path = "reverse.txt" }]
[policy.kiosk]
default = "block"
block = ["reverse"]
deny = ["test"]
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "kiosk"
end
file reverse.txt
2.0.192.in-addr.arpa
end

ask 10.0.0.1 localhost A
expect 127.0.0.1
row action=allowed category=- rule=special-use:_localhost_(RFC_6761) source=policy
ask 10.0.0.1 localhost AAAA
expect ::1
ask 10.0.0.1 1.0.0.127.in-addr.arpa PTR
expect PTR
ask 10.0.0.1 1.0.0.10.in-addr.arpa PTR
expect NXDOMAIN
row action=allowed rule=reverse_zone_of_private_space_(RFC_6303)
ask 10.0.0.1 printer.local A
expect NXDOMAIN
ask 10.0.0.1 www.test A
expect 0.0.0.0 ede 15
row action=blocked rule=policy.kiosk.deny[0]_test
ask 10.0.0.1 1.2.0.192.in-addr.arpa PTR
expect NODATA ede 15
row action=blocked category=reverse
ask 10.0.0.1 www.example A
expect 0.0.0.0 ede 15
row action=blocked rule=policy.kiosk.default_block
heard 0
