# On the day the clock goes back a window in the repeated hour is in force twice.
config
[[category]]
name = "social"
lists = [{ path = "social.txt" }]
[policy.standard]
block = ["social"]
[[policy.standard.timed]]
categories = ["social"]
during = "own-time"
action = "allow"
[schedule.own-time]
timezone = "Europe/London"
windows = ["sun 01:15-01:45"]
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "standard"
end
file social.txt
social.example
end
upstream social.example A 192.0.2.9 ttl 0

clock 2026-10-25 00:14 UTC        # 01:14, summer time
ask 10.0.0.1 social.example A
expect 0.0.0.0
clock 2026-10-25 00:30 UTC        # 01:30, summer time
ask 10.0.0.1 social.example A
expect 192.0.2.9
clock 2026-10-25 01:00 UTC        # 01:00, winter time
ask 10.0.0.1 social.example A
expect 0.0.0.0
clock 2026-10-25 01:30 UTC        # 01:30, winter time
ask 10.0.0.1 social.example A
expect 192.0.2.9
clock 2026-10-25 01:45 UTC
ask 10.0.0.1 social.example A
expect 0.0.0.0
