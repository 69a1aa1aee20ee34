# tries: a service that sends on to another host, with the status 302
# ends: nothing
from lib import *

status, text, headers = at_home("/redirect?status=302&to=" + urllib.parse.quote("https://%s:%d/" % (HOST, PORT)), "token=x", {"Authorization": "Bearer " + WORD, "Content-Type": "application/x-www-form-urlencoded"})
if status != 302:
    print("GOT a redirect that was followed: %d" % status)
