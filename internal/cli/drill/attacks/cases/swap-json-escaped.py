# tries: a stand-in in JSON, each character escaped
# ends: nothing
# keeps: home
from lib import *

if (at_home("/", '{"text":"%s"}' % "".join("\\u%04x" % ord(c) for c in WORD), {"Content-Type": "application/json"}) or [403])[0] not in (400, 403):
    print("GOT an answer, where it should be refused")
