"""Runs a program on a terminal of its own, and types an answer once it asks.

prompt.py ANSWER PROGRAM ARGS...   An empty ANSWER is Ctrl-D: the end of the input.
"""

import os
import pty
import sys

answer, command = sys.argv[1], sys.argv[2:]
child, terminal = pty.fork()
if child == 0:
    os.execvp(command[0], command)
said = b""
typed = False
while True:
    try:
        more = os.read(terminal, 4096)
    except OSError:  # Linux: its last writer is gone.
        break
    if not more:
        break
    said += more
    if not typed and said.endswith(b"[none]: "):
        os.write(terminal, answer.encode() + b"\n" if answer else b"\x04")
        typed = True
sys.stdout.buffer.write(said)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
