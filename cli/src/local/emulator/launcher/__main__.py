"""Runs ministack so that only requests signed for this local cloud reach it, in a process group that is killed when
standard input closes."""

import fcntl
import os
import runpy
import signal
import sys
import threading

import guard
import patches

# Any file that the emulator and its functions create is the user's alone.
os.umask(0o077)

lock = open(sys.argv.pop(1), "w")
fcntl.flock(lock, fcntl.LOCK_EX)
lock.write(str(os.getpid()))
lock.flush()

# Children do not inherit this copy of standard input; they read from /dev/null instead.
lifeline = os.dup(0)
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


def kill_group_when_input_closes():
    while os.read(lifeline, 1):
        pass
    os.killpg(os.getpid(), signal.SIGKILL)


threading.Thread(target=kill_group_when_input_closes, daemon=True).start()
guard.protect_endpoint()
guard.protect_runtime_api()
patches.encode_names_of_versions()
patches.name_versions_in_events()
patches.end_functions_of_deleted_stacks()
patches.end_idle_functions()
patches.answer_functions_at_once()
patches.name_each_table_anew()
runpy.run_module("ministack", run_name="__main__", alter_sys=True)
