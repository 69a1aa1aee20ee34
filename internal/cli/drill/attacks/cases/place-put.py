# tries: the value in a file that is put
# ends: nothing
from lib import *

send("/files/a.txt", body=b"x" * 100000 + B + b"x" * 100000, method="PUT")
