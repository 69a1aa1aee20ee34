# tries: the value in the log, in disguise
# ends: nothing
from lib import *

print(VALUE, VALUE[::-1], B.hex(), base64.b64encode(B).decode(), urllib.parse.quote(VALUE, safe=""), json.dumps("\u00e9" + VALUE))
for c in VALUE:
    sys.stdout.write(c)
    sys.stdout.flush()
