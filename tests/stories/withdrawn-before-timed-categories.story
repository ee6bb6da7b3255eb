# What a category is at this hour is withdrawn with the rest; an essential name is decided by it, in the window and after.
config
[withdrawal]
essential = ["news.example"]
[[category]]
name = "social"
lists = [{ path = "social.txt" }]
[policy.standard]
block = ["social"]
[[policy.standard.timed]]
categories = ["social"]
during = "lunch"
action = "allow"
[schedule.lunch]
timezone = "Europe/London"
windows = ["daily 12:00-14:00"]
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
static 10.0.0.7 user=u1
clock 2026-11-24 13:00 Europe/London
withdraw user=u1 expires=3h
ask 10.0.0.7 social.example A
expect 0.0.0.0 ede 15
row action=blocked rule=w-20261124-0001_by_user category=-
ask 10.0.0.7 news.example A
expect 192.0.2.2 ttl 3600
row action=allowed category=social
clock 2026-11-24 14:00 Europe/London
ask 10.0.0.7 news.example A
expect 0.0.0.0 ede 15
row action=blocked category=social
