# tries: the value as the exit status of the job, eight bits a job
# ends: documented
from lib import *

sys.exit(B[0])
