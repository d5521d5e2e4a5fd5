"""What children and grandchildren see."""
import os
import subprocess
import sys

CODE = (
    "import os, sys; print(sorted((k, v) for k, v in os.environ.items() if not k.startswith(('RDG_', 'PYTHONPATH')) "
    "and k not in ('_', 'SHLVL')), "
    "len(sys.path), sys.argv, sorted(int(n) for n in os.listdir('/proc/self/fd') if int(n) < 200))"
)
if sys.argv[1:2] == ["run"]:
    sys.exit(subprocess.run(sys.argv[2:]).returncode)
sys.stdout.flush()
subprocess.run([sys.executable, "-c", CODE, "a"], check=True)
subprocess.run([sys.executable, "-I", "-c", CODE], check=True)
subprocess.run([sys.executable, "-c", CODE], check=True, env={"ONLY": "this"})
subprocess.run(["bash", "-c", '"$0" -c "$1" b', sys.executable, CODE], check=True)
subprocess.run([sys.executable, "-c", CODE], check=True, preexec_fn=os.getpid)
subprocess.run([sys.executable, "-c", CODE], check=True, close_fds=False, start_new_session=True)
print(subprocess.run([sys.executable, "-c", "raise SystemExit(7)"]).returncode)
print(subprocess.run([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]).returncode)
print(os.system("kill -TERM $$"), os.popen("echo piped").read())
