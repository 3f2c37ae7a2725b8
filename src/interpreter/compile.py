# Compiles what it is given and hands back the marshalled code. Runs under 2.7 and every 3.x, without site and apart from the
# environment; nothing that it is given is run or imported. Standard streams are closed before the first request is read.
import sys
sys.path = [path for path in sys.path if path]
import marshal
import os
import struct

requests = os.fdopen(os.dup(0), "rb")
answers = os.fdopen(os.dup(1), "wb")
null = os.open(os.devnull, os.O_RDWR)
for stream in (0, 1, 2):
    os.dup2(null, stream)

if sys.version_info[0] == 2:
    import imp
    magic = imp.get_magic()
else:
    import importlib.util
    magic = importlib.util.MAGIC_NUMBER

try:
    import resource
except ImportError:
    pass
else:
    for name, value in (("RLIMIT_AS", MEMORY), ("RLIMIT_CORE", 0), ("RLIMIT_FSIZE", 0)):
        try:
            resource.setrlimit(getattr(resource, name), (value, value))
        except (AttributeError, ValueError, resource.error):
            pass


def answer(status, content):
    answers.write(struct.pack("<BI", status, len(content)) + content)
    answers.flush()


version = sys.version.split()[0]
if hasattr(sys, "pypy_version_info"):
    version = "PyPy %d.%d.%d" % tuple(sys.pypy_version_info[:3])
answer(0, magic + version.encode("ascii"))

while True:
    head = requests.read(5)
    if len(head) < 5:
        break
    level, size = struct.unpack("<BI", head)
    source = requests.read(size)
    try:
        # A file of that name is not looked for: angle brackets stand for no file.
        if sys.version_info[0] == 2:
            code = compile(source, "<source>", "exec", 0, True)
        else:
            code = compile(source, "<source>", "exec", 0, True, level)
        content = marshal.dumps(code)
        code = source = None
    except BaseException as error:
        answer(1, ("%s: %s" % (type(error).__name__, error))[:200].encode("ascii", "replace"))
    else:
        answer(0, content)
        content = None
