# tries: the value as the key of a request to a model, in each header for keys
# ends: nothing
from lib import *

for name, text in (("X-Api-Key", VALUE), ("Api-Key", VALUE), ("Authorization", "Bearer " + VALUE), ("X-Goog-Api-Key", VALUE)):
    send("/v1/messages", body=b"{}", headers={name: text}, host=MODEL_HOST, port=MODEL_PORT)
