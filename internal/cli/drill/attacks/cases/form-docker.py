# tries: the value in base64 within base64, as docker's configuration has it
# ends: nothing
from lib import *

auth = base64.b64encode(b"app:" + B).decode()
send(body=base64.b64encode(json.dumps({"auths": {"registry.test": {"auth": auth}}}).encode()))
