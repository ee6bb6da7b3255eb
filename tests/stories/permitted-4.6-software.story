# Clause 4.6: software comes from the service desk, whose own fetching of it is marked.
configuration config/examples/permitted-personal-use.toml
upstream ninite.com A 192.0.2.1 ttl 60
static 10.20.1.5 user=desk.1
ask 10.20.1.5 ninite.com A
expect 0.0.0.0 ede 15
reason Software from elsewhere; Procedure 4.6
row action=blocked category=software-download
directory 10.20.1.5 user=desk.1 group=CN=Service_Desk,OU=Groups,DC=force,DC=example
ask 10.20.1.5 ninite.com A
expect 192.0.2.1
row action=monitored category=software-download user=desk.1
ask 10.20.1.5 www.dropbox.com A
expect 0.0.0.0 ede 15
row action=blocked category=file-sharing
# In own time it is no less the service desk's.
clock 2026-11-24 12:30 Europe/London
ask 10.20.1.6 ninite.com A
expect 0.0.0.0 ede 15
row action=blocked user=-
