# Somebody is in two groups that say the opposite of one name: at equal length an allow beats a block.
config
[policy.standard]
[[policy.standard.exception]]
group = "trainees"
names = ["exam.example"]
action = "block"
[[policy.standard.exception]]
group = "trainers"
names = ["exam.example"]
action = "allow"
[group.trainees]
clients = ["10.0.0.0/24"]
[group.trainers]
users = ["u1"]
[[attribution.static]]
client = "10.0.0.1"
user = "u1"
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "standard"
end

upstream exam.example A 192.0.2.1 ttl 60
ask 10.0.0.1 exam.example A
expect 192.0.2.1
row action=allowed rule=policy.standard.exception[1]_trainers
ask 10.0.0.2 exam.example A
expect 0.0.0.0 ede 15
row action=blocked rule=policy.standard.exception[0]_trainees
