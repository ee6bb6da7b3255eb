# Only where a signal leads is listed: the signal gets no address all the same.
config
[[category]]
name = "apple"
lists = [{ path = "apple.txt" }]
[policy.standard]
block = ["apple"]
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "standard"
end
file apple.txt
mask.apple-dns.example
end
upstream mask.icloud.com CNAME mask.apple-dns.example. ttl 300
upstream mask.apple-dns.example A 192.0.2.2 ttl 300
upstream other.example CNAME mask.apple-dns.example. ttl 300
ask 10.0.0.1 mask.icloud.com A
expect NXDOMAIN ede 15
row action=blocked list=apple/apple.txt rule=1:mask.apple-dns.example rcode=3
ask 10.0.0.1 other.example A
expect 0.0.0.0 ede 15
