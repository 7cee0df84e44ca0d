"""Runs ministack in a process group that ends with the process at the other end of standard input."""

import fcntl
import os
import runpy
import signal
import sys
import threading

lock = open(sys.argv.pop(1), "w")
fcntl.flock(lock, fcntl.LOCK_EX)
lock.write(str(os.getpid()))
lock.flush()

# A copy that children do not inherit; they read from nothing instead.
lifeline = os.dup(0)
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


def end_with_the_other_end():
    while os.read(lifeline, 1):
        pass
    os.killpg(os.getpid(), signal.SIGKILL)


threading.Thread(target=end_with_the_other_end, daemon=True).start()
runpy.run_module("ministack", run_name="__main__", alter_sys=True)
