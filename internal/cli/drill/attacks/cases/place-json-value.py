# tries: the value as a JSON string
# ends: nothing
from lib import *

send(body=json.dumps({"note": {"deep": [1, VALUE]}}), headers={"Content-Type": "application/json"})
