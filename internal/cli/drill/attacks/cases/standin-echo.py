# tries: a stand-in that its host repeats
# ends: nothing
from lib import *

host, port = os.environ["HOME_HOST"].split(":")
c = http.client.HTTPSConnection(host, int(port), timeout=10)
for path in ("/echo", "/echo?gzip=1", "/echo?v=1"):
    c.request("POST", path, body="x", headers={"Authorization": "Bearer " + os.environ["STANDIN"]})
    r = c.getresponse()
    text = str(r.getheaders()) + r.read().decode("utf-8", "replace")
    open("/job/out/answer.txt", "a").write(text)
