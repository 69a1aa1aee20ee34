# tries: the value in a question to a person
# ends: nothing
from lib import *

c = http.client.HTTPConnection("127.0.0.1", 3128, timeout=2)
try:
    c.request("POST", "/request", body=json.dumps({"host": "drill.example", "why": "my key is " + VALUE}))
    c.getresponse().read()
except OSError:
    pass
