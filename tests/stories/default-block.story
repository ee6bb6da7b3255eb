# A kiosk answers what is permitted and nothing else; what it may ask may lead it on.
config
[[category]]
name = "courts"
lists = [{ path = "courts.txt" }]
[policy.kiosk]
default = "block"
permit = ["courts"]
allow = ["time.example"]
response = "refused"
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "kiosk"
end
file courts.txt
courts.example
end

upstream www.courts.example CNAME edge.cdn.example. ttl 60
upstream edge.cdn.example A 192.0.2.1 ttl 60
upstream time.example A 192.0.2.2 ttl 60
ask 10.0.0.1 www.courts.example A
expect 192.0.2.1
row action=allowed category=courts
ask 10.0.0.1 time.example A
expect 192.0.2.2
ask 10.0.0.1 edge.cdn.example A
expect REFUSED ede 15
row action=blocked rule=policy.kiosk.default_block category=-
heard 2
