# tries: the value in UTF-16 in base64, as a command for PowerShell has it
# ends: nothing
from lib import *

send(body=b"powershell -EncodedCommand " + base64.b64encode(("echo " + VALUE).encode("utf-16-le")))
