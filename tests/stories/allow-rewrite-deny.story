# At equal length an allow beats a deny; a longer name beats a shorter one, and a rewrite is such a name; each rewrite is for one name alone.
config
[policy.standard]
allow = ["=plain.example", "www.social.example"]
deny = ["plain.example", "=news.example", "social.example"]
rewrite = { "www.news.example" = "192.0.2.80", "safe.social.example" = "192.0.2.81" }
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "standard"
end
upstream social.example A 192.0.2.1 ttl 86400
upstream news.example A 192.0.2.2 ttl 86400
upstream adult.example A 192.0.2.3 ttl 86400
upstream plain.example A 192.0.2.4 ttl 86400
upstream www.social.example A 192.0.2.5 ttl 60
upstream x.news.example A 192.0.2.6 ttl 60
ask 10.0.0.8 plain.example A
expect 192.0.2.4
row action=allowed rule=policy.standard.allow[0]_=plain.example
ask 10.0.0.8 www.plain.example A
expect 0.0.0.0 ede 15
row action=blocked rule=policy.standard.deny[0]_plain.example
ask 10.0.0.8 news.example A
expect 0.0.0.0 ede 15
ask 10.0.0.8 x.news.example A
expect 192.0.2.6
ask 10.0.0.8 www.news.example A
expect 192.0.2.80
row action=allowed rule=policy.standard.rewrite_www.news.example
ask 10.0.0.8 m.www.news.example A
expect NXDOMAIN
row action=allowed rule=-
ask 10.0.0.8 safe.social.example A
expect 192.0.2.81
ask 10.0.0.8 m.safe.social.example A
expect 0.0.0.0 ede 15
row action=blocked rule=policy.standard.deny[2]_social.example
ask 10.0.0.8 www.social.example A
expect 192.0.2.5
ask 10.0.0.8 social.example A
expect 0.0.0.0 ede 15
