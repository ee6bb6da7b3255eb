# On an excepted date no window is in force, and the window begun the day before has ended.
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
windows = ["daily 00:00-24:00"]
except_dates = ["2026-12-25"]
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "standard"
end
file social.txt
social.example
end
upstream social.example A 192.0.2.9 ttl 0

clock 2026-12-24 23:59:59 Europe/London
ask 10.0.0.1 social.example A
expect 192.0.2.9
clock 2026-12-25 00:00 Europe/London
ask 10.0.0.1 social.example A
expect 0.0.0.0
clock 2026-12-26 00:00 Europe/London
ask 10.0.0.1 social.example A
expect 192.0.2.9
