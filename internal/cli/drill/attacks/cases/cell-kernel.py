# tries: ways into the kernel
# ends: nothing
from lib import *

import ctypes
libc = ctypes.CDLL(None, use_errno=True)
calls = {"ptrace": (101, 16, 1, 0, 0), "user namespace": (272, 0x10000000), "mount": (165, b"tmpfs", b"/tmp", b"tmpfs", 0, 0), "keyctl": (250, 0, -3, 0), "io_uring": (425, 1, ctypes.create_string_buffer(120)), "bpf": (321, 0, ctypes.create_string_buffer(120), 120), "userfaultfd": (323, 0)}
if os.uname().machine == "x86_64":
    for name, args in calls.items():
        attempt(name, lambda: libc.syscall(*args) >= 0)
