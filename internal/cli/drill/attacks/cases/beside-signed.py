# tries: another account's signed address
# ends: nothing
from lib import *

OURS = {"Authorization": "Bearer " + WORD}
if at_home("/?X-Amz-Credential=AKIAEVE&X-Amz-Signature=00", None, OURS)[0] not in (400, 403):
    print("GOT an account of its own")
