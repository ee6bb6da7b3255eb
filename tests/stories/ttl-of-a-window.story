# No answer outlives the window it was given in, nor a window to come that would change it; names no schedule speaks of keep their own.
config
[withdrawal]
essential = ["portal.example", "=login.example"]
[[category]]
name = "social"
lists = [{ path = "social.txt" }]
[[category]]
name = "adult"
lists = [{ path = "adult.txt" }]
[policy.standard]
block = ["adult"]
deny = ["denied.example"]
[[policy.standard.timed]]
categories = ["social"]
during = "lunch"
action = "block"
[schedule.night]
timezone = "Europe/London"
windows = ["daily 10:20-10:30"]
[[policy.standard.timed]]
categories = ["adult"]
during = "night"
action = "allow"
[group.press]
devices = ["02:00:00:00:00:01"]
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
mixed.example
end
file adult.txt
mixed.example
end
static 10.0.0.7 user=u1 device=02:00:00:00:00:01
upstream social.example A 192.0.2.1 ttl 86400
upstream mixed.example A 192.0.2.2 ttl 86400
upstream plain.example A 192.0.2.3 ttl 86400
upstream denied.example A 192.0.2.4 ttl 86400
upstream portal.example A 192.0.2.5 ttl 86400
upstream login.example A 192.0.2.6 ttl 86400
upstream www.login.example A 192.0.2.7 ttl 86400
upstream c.plain.example CNAME social.example ttl 86400
upstream nothing.social.example A 192.0.2.9 ttl 5
clock 2026-11-24 10:00 Europe/London
ask 10.0.0.8 social.example A
expect 192.0.2.1 ttl 7200
row action=allowed
ask 10.0.0.8 c.plain.example A
expect 192.0.2.1 ttl 7200
ask 10.0.0.8 plain.example A
expect 192.0.2.3 ttl 86400
ask 10.0.0.8 nothing.social.example A
expect 192.0.2.9 ttl 5
clock 2026-11-24 11:59:57 Europe/London
ask 10.0.0.8 social.example A
expect 192.0.2.1 ttl 3
row source=cache
clock 2026-11-24 13:59:56 Europe/London
ask 10.0.0.8 social.example A
expect 0.0.0.0 ttl 4
ask 10.0.0.8 social.example MX
expect NODATA ttl 4
clock 2026-11-24 14:00 Europe/London
ask 10.0.0.8 social.example A
expect 192.0.2.1 ttl 72000
row action=allowed source=cache
