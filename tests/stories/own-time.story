# In their own time people may read what is blocked while they are on duty.
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
windows = ["mon-fri 12:00-14:00"]
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "standard"
end
file social.txt
social.example
end
upstream social.example A 192.0.2.9 ttl 0

clock 2026-11-24 11:59:59 Europe/London
ask 10.0.0.1 social.example A
expect 0.0.0.0 ede 15
row action=blocked category=social rule=1:social.example
clock 2026-11-24 12:00 Europe/London
ask 10.0.0.1 social.example A
expect 192.0.2.9
row action=allowed category=social list=social/social.txt rule=1:social.example
clock 2026-11-24 13:59:59 Europe/London
ask 10.0.0.1 social.example A
expect 192.0.2.9
clock 2026-11-24 14:00 Europe/London
ask 10.0.0.1 social.example A
expect 0.0.0.0 ede 15
# Saturday is not among the days.
clock 2026-11-28 12:30 Europe/London
ask 10.0.0.1 social.example A
expect 0.0.0.0 ede 15
