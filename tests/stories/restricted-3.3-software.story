# Clause 3.3: software is installed by the service desk, known by its network or by the directory, and marked.
configuration config/examples/restricted.toml
upstream ninite.com A 192.0.2.1 ttl 60
ask 10.20.1.5 ninite.com A
expect 10.1.1.1 ede 15
reason Software from elsewhere; Procedure 3.3
row action=blocked category=software-download
ask 10.20.9.5 ninite.com A
expect 192.0.2.1
row action=monitored category=software-download user=-
directory 10.20.1.5 user=desk.1 group=CN=Service_Desk,OU=Groups,DC=force,DC=example
ask 10.20.1.5 ninite.com A
expect 192.0.2.1
row action=monitored user=desk.1 network_zone=hq-desktops
ask 10.20.9.5 www.facebook.com A
expect 10.1.1.1 ede 15
row action=blocked category=social-networking
