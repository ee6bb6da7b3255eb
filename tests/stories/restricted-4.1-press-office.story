# Clause 4.1: the press office uses social networking, messaging and streaming to speak for the force, and nothing more of 3.2.
configuration config/examples/restricted.toml
upstream www.facebook.com A 192.0.2.1 ttl 3600
upstream web.whatsapp.com A 192.0.2.2 ttl 3600
upstream www.youtube.com A 192.0.2.3 ttl 3600
static 10.20.1.5 user=press.officer1
ask 10.20.1.5 www.facebook.com A
expect 192.0.2.1 ttl 3600
row action=allowed category=social-networking user=press.officer1
ask 10.20.1.5 web.whatsapp.com A
expect 192.0.2.2
row action=allowed category=messaging
ask 10.20.1.5 www.youtube.com A
expect 192.0.2.3
row action=allowed category=streaming
ask 10.20.1.5 www.tinder.com A
expect 10.1.1.1 ede 15
row action=blocked category=dating user=press.officer1
ask 10.20.1.6 www.facebook.com A
expect 10.1.1.1 ede 15
# The role goes with the person: whoever sits there next has none. It is one of the desktops' policy, not of custody's.
static 10.20.1.5 user=pc.4711
static 10.40.1.5 user=press.officer1
reload
ask 10.20.1.5 www.facebook.com A
expect 10.1.1.1 ede 15
row action=blocked user=pc.4711
ask 10.40.1.5 www.facebook.com A
expect NXDOMAIN ede 15
row action=blocked user=press.officer1 network_zone=custody
