# tries: a stand-in in a form in gzip
# ends: nothing
# keeps: home
from lib import *

at_home("/", gzip.compress(b"token=" + WORD.encode()), {"Content-Type": "application/x-www-form-urlencoded", "Content-Encoding": "gzip"})
