# Clause 4.1 is about personal mail: that of the force's own tenant is answered, and a personal mailbox by way of it is not.
configuration config/examples/permitted-personal-use.toml
upstream outlook.office365.com A 192.0.2.1 ttl 60
upstream outlook.com CNAME outlook.live.com. ttl 60
upstream outlook.live.com A 192.0.2.2 ttl 60
ask 10.20.1.5 outlook.office365.com A
expect 192.0.2.1
row action=allowed category=-
ask 10.20.1.5 outlook.com A
expect 0.0.0.0 ede 15
reason Personal web-based e-mail; Procedure 4.1
row action=blocked category=webmail
