# A window over midnight belongs to the day it begins on.
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
windows = ["mon-fri 17:30-08:30"]
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "standard"
end
file social.txt
social.example
end
upstream social.example A 192.0.2.9 ttl 0

clock 2026-11-24 17:29:59 Europe/London
ask 10.0.0.1 social.example A
expect 0.0.0.0
clock 2026-11-24 17:30 Europe/London
ask 10.0.0.1 social.example A
expect 192.0.2.9
clock 2026-11-25 00:00 Europe/London
ask 10.0.0.1 social.example A
expect 192.0.2.9
clock 2026-11-25 08:29:59 Europe/London
ask 10.0.0.1 social.example A
expect 192.0.2.9
clock 2026-11-25 08:30 Europe/London
ask 10.0.0.1 social.example A
expect 0.0.0.0
# Friday's window ends on Saturday morning; none began on Sunday.
clock 2026-11-28 08:00 Europe/London
ask 10.0.0.1 social.example A
expect 192.0.2.9
clock 2026-11-30 07:00 Europe/London
ask 10.0.0.1 social.example A
expect 0.0.0.0
