# A list names a provider; an exception takes one of its names out of the category again.
config
[[category]]
name = "webmail"
title = "Web-based e-mail"
clause = "Procedure 5.1"
lists = [{ path = "webmail.txt" }]
except = ["webmail-except.txt"]
[policy.standard]
block = ["webmail"]
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "standard"
end
file webmail.txt
portal.example
end
file webmail-except.txt
maps.portal.example
end

upstream maps.portal.example A 192.0.2.1 ttl 60
ask 10.0.0.1 mail.portal.example A
expect 0.0.0.0 ede 15
row action=blocked category=webmail rule=1:portal.example
ask 10.0.0.1 maps.portal.example A
expect 192.0.2.1
row action=allowed category=-
