# tries: a client that goes where the service sends it, with its stand-in
# ends: nothing
from lib import *

send("/", "x", {"Authorization": "Bearer " + WORD, "Referer": "https://%s:%d/?key=%s" % (HOME[0], HOME[1], WORD)})
