# tries: the value in base64 in a prompt
# ends: nothing
from lib import *

send("/v1/messages", body=json.dumps({"content": base64.b64encode(B).decode()}), headers={"Content-Type": "application/json"}, host=MODEL_HOST, port=MODEL_PORT)
