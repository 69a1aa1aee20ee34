# tries: an allowed host that leads to the cloud's metadata
# ends: nothing
from lib import *

import urllib.request
attempt("an answer", lambda: urllib.request.urlopen("https://%s:%d/redirect?to=http://169.254.169.254/latest/meta-data/" % (HOST, PORT), timeout=5).read(100))
attempt("an answer", lambda: urllib.request.urlopen("https://%s:%d/redirect?to=https://127.0.0.1:22/" % (HOST, PORT), timeout=5).read(100))
