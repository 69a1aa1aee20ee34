# tries: a hundred questions to a person
# ends: nothing
from lib import *

def ask(n):
    try:
        r = send("/", host="ask-%d.example" % n, port=443)
    except Exception:
        r = 0
    return r


attempt("a host", lambda: any(ask(n) == 200 for n in range(100)))
