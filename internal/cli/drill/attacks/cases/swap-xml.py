# tries: a stand-in in XML
# ends: nothing
# keeps: home
from lib import *

if (at_home("/", "<token>%s</token>" % WORD, {"Content-Type": "application/xml"}) or [403])[0] not in (400, 403):
    print("GOT an answer, where it should be refused")
