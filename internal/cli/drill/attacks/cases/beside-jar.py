# tries: a session of the service's, chosen by the job
# ends: nothing
from lib import *

at_home("/echo?cookie=session%3Dtheirs-0123456789abcdef", None, {"Authorization": "Bearer " + WORD})
status, text, headers = at_home("/echo", None, {"Authorization": "Bearer " + WORD})
if "Cookie: session=theirs" in text or "Set-Cookie" in headers:
    print("GOT a session of its own")
