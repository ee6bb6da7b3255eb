# A withdrawal that begins later changes nothing until then, and no answer lives beyond its beginning; written twice, the last to end counts.
config
[policy.standard]
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
withdraw user=u1 start=30m expires=1h
withdraw user=u1 start=45m expires=2h
ask 10.0.0.7 plain.example A
expect 192.0.2.4 ttl 1800
row action=allowed rule=-
clock + 29m59s
ask 10.0.0.7 plain.example A
expect 192.0.2.4 ttl 1
clock + 1s
ask 10.0.0.7 plain.example A
expect 0.0.0.0 ede 15
row action=blocked rule=w-20261124-0001_by_user
clock + 45m
ask 10.0.0.7 plain.example A
expect 0.0.0.0 ede 15
row action=blocked rule=w-20261124-0002_by_user
clock + 45m
ask 10.0.0.7 plain.example A
expect 192.0.2.4
row action=allowed
