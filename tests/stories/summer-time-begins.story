# On the day the clock goes forward the skipped hour is in no window, and the hours around it are.
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
windows = ["sun 00:30-03:00"]
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "standard"
end
file social.txt
social.example
end
upstream social.example A 192.0.2.9 ttl 0

clock 2026-03-29 00:29:59 UTC
ask 10.0.0.1 social.example A
expect 0.0.0.0
clock 2026-03-29 00:59:59 UTC     # 00:59:59 in London
ask 10.0.0.1 social.example A
expect 192.0.2.9
clock 2026-03-29 01:00 UTC        # 02:00 in London
ask 10.0.0.1 social.example A
expect 192.0.2.9
clock 2026-03-29 02:00 UTC        # 03:00 in London
ask 10.0.0.1 social.example A
expect 0.0.0.0
