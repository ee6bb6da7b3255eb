# What is revoked is shut at once, what is restored open at once; another grant or withdrawal of the same person stays.
config
[policy.standard]
deny = ["social.example", "news.example"]
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "standard"
end
upstream social.example A 192.0.2.1 ttl 86400
upstream news.example A 192.0.2.2 ttl 86400
upstream adult.example A 192.0.2.3 ttl 86400
upstream plain.example A 192.0.2.4 ttl 86400
static 10.0.0.7 user=u1
grant user=u1 name=social.example minutes=60
grant user=u1 name=news.example minutes=60
revoke g-20261124-0001
ask 10.0.0.7 social.example A
expect 0.0.0.0 ede 15
row action=blocked rule=policy.standard.deny[0]_social.example
ask 10.0.0.7 news.example A
expect 192.0.2.2
row action=granted rule=g-20261124-0002
withdraw user=u1 expires=2h
withdraw client=10.0.0.7 expires=2h
restore w-20261124-0001
ask 10.0.0.7 plain.example A
expect 0.0.0.0 ede 15
row action=blocked rule=w-20261124-0002_by_client
restore w-20261124-0002
ask 10.0.0.7 plain.example A
expect 192.0.2.4
ask 10.0.0.7 news.example A
expect 192.0.2.2
row action=granted rule=g-20261124-0002
