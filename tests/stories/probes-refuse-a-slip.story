# A list that would block a name which must be answered does not come into force, and neither does one that opens what must be blocked.
config
[[category]]
name = "social"
lists = [{ path = "social.txt" }]
[policy.standard]
block = ["social"]
[probe]
must_allow = ["plain.example"]
must_block = ["social.example"]
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "standard"
end
file social.txt
social.example
news.example
end
upstream social.example A 192.0.2.1 ttl 86400
upstream news.example A 192.0.2.2 ttl 86400
upstream adult.example A 192.0.2.3 ttl 86400
upstream plain.example A 192.0.2.4 ttl 86400
ask 10.0.0.8 social.example A
expect 0.0.0.0 ede 15
file social.txt
social.example
plain.example
end
reload refused probe.must_allow[0]: plain.example would be blocked in network zone `hq` (social)
ask 10.0.0.8 plain.example A
expect 192.0.2.4
row action=allowed policy_generation=1
file social.txt
news.example
end
reload refused probe.must_block[0]: social.example would be blocked in no network zone
ask 10.0.0.8 social.example A
expect 0.0.0.0 ede 15
row action=blocked policy_generation=1
file social.txt
social.example
www.news.example
end
reload
ask 10.0.0.8 www.news.example A
expect 0.0.0.0 ede 15
row action=blocked policy_generation=2
