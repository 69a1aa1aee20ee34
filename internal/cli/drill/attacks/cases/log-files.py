# tries: the value in a file that is handed out
# ends: nothing
from lib import *

open("/job/out/v.txt", "w").write("v: " + VALUE + "\n" + B.hex())
