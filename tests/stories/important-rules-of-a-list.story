# In AdBlock syntax an exception is stronger than its rule, `$important` than that, and `@@` with `$important` the strongest.
config
[[category]]
name = "social"
lists = [{ path = "social.txt" }]
[policy.standard]
block = ["social"]
[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8"]
policy = "standard"
end
file social.txt
||social.example^
@@||www.social.example^
||ads.www.social.example^$important
@@||good.ads.www.social.example^$important
||news.example^$dnstype=AAAA
||x.plain.example^
||x.plain.example^$badfilter
end
upstream social.example A 192.0.2.1 ttl 86400
upstream news.example A 192.0.2.2 ttl 86400
upstream adult.example A 192.0.2.3 ttl 86400
upstream plain.example A 192.0.2.4 ttl 86400
upstream www.social.example A 192.0.2.5 ttl 60
upstream good.ads.www.social.example A 192.0.2.6 ttl 60
upstream x.plain.example A 192.0.2.7 ttl 60
ask 10.0.0.8 social.example A
expect 0.0.0.0 ede 15
row action=blocked category=social rule=1:social.example
ask 10.0.0.8 www.social.example A
expect 192.0.2.5
row action=allowed category=-
ask 10.0.0.8 ads.www.social.example A
expect 0.0.0.0 ede 15
row action=blocked rule=3:ads.www.social.example
ask 10.0.0.8 good.ads.www.social.example A
expect 192.0.2.6
ask 10.0.0.8 news.example A
expect 192.0.2.2
ask 10.0.0.8 news.example AAAA
expect :: ede 15
row action=blocked rule=5:news.example
ask 10.0.0.8 x.plain.example A
expect 192.0.2.7
