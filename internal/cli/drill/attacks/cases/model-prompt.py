# tries: the value in a prompt
# ends: nothing
from lib import *

send("/v1/messages", body=json.dumps({"messages": [{"role": "user", "content": "My key is " + VALUE}]}), headers={"Content-Type": "application/json"}, host=MODEL_HOST, port=MODEL_PORT)
