/**
 * The topics of `rdg help TOPIC`: what no command's own page holds. Loaded only to show or to complete
 * them. Pure.
 *
 * @module
 */

import { environmentPage, exitCodesPage } from "./lists.ts";
import { schedulersPage } from "./schedulers.ts";

/** One topic. */
export interface Topic {
  /** One line for the list. */
  summary: string;
  /** Lines of the page, none longer than 80 columns. */
  page(): readonly string[];
}

const modes = `How a program is started decides when it can be looked at

  rdg debug COMMAND        listens at once and waits before the first line;
                           --stop-on-entry also stops there
  rdg debug -l COMMAND     --lite: runs at full speed until woken by
                           "rdg attach JOB"; before that it has a signal
                           handler, no port, no thread, no debugpy
  rdg debug -p COMMAND     --post-mortem: opens at an exception that nobody
                           caught, in any thread, with its own frames
  rdg debug -lp COMMAND    both

How long it waits: without a mode for ever, after a crash or a wake 30 minutes
(--wait-timeout SECONDS, 0 for ever). Then it goes on, or ends with the exit
code that the crash would have had.

After the editor has disconnected the program runs at full speed again, and can
be attached to again, on the same port.

From the program itself:

  import remote_debug as rdg
  rdg.start_debugger()     listen, say where, wait; wait=False goes on
  rdg.pause()              stop here, as a breakpoint would

See also: rdg help parallel, rdg debug --help`;

const security = `Who can get in

A debug port is a remote shell: whoever attaches runs commands as you. On a
cluster everybody can reach every port, so rdg puts a door in front of debugpy.

- No port takes a client without the session's token: 256 bits, new for each
  session. The client gives it as "rdgToken"; "rdg connect" does so by itself.
- The token stands in the session record, which only you can read, and in no
  argument list and no environment. A job's output shows it only where nobody
  else can read that; elsewhere: rdg sessions --token.
- Only you can wake a program: by a signal, which the kernel lets nobody else
  send to your processes.
- "rdg connect" serves only processes of your own user, where the system can
  tell.
- --no-auth switches the door off, and says so.

Not guarded: traffic inside the cluster is not encrypted (ssh up to the login
node is). root sees everything, and so do your own other processes.

"rdg doctor" tells when others can read the folder of the records; with --fix it
closes it.`;

const parallel = `Programs of many processes

Each process to which a launcher gives a rank is a program of its own: torchrun,
srun, mpirun and their kin. Put rdg before the program or before the launcher:

  srun -n 4 rdg debug --rank 0 python train.py    only rank 0 takes part
  rdg debug -lp torchrun --nproc-per-node 4 train.py

Helper processes (a DataLoader's workers) never wait, and a breakpoint that a
forked worker reaches never hangs it. --subprocess has debugpy follow children.

  rdg attach JOB --rank 0,3-5     wakes these, in one call of the scheduler
  rdg stack JOB                   where every rank is, without a debugger
  rdg connect LOGIN JOB --all     every rank from one F5 on your desk

When one rank ends with an error, its launcher may end the others, also one that
waits for you. To keep them:

  srun       --kill-on-bad-exit=0 --wait=0
  mpirun     --enable-recovery          (Open MPI 4)
  mpiexec    -disable-auto-cleanup      (MPICH)
  torchrun   --monitor_interval=3600    (it then notices the end late as well)`;

const containers = `Containers

rdg gets into a program through two variables of its environment, PYTHONPATH and
RDG_CONFIG, and through files below ~/.cache/rdg and ~/.local/state/rdg. What
works for a container follows from that:

- Put rdg outside:  rdg debug apptainer exec image.sif python train.py
  The variables and both folders have to reach the inside. Apptainer hands the
  environment on and binds the home, unless it is told not to: --cleanenv,
  --containall and --no-home keep rdg out. Others want to be told:
  rdg debug ch-run --home IMAGE -- python train.py
  rdg debug podman run --network=host -e PYTHONPATH -e RDG_CONFIG \\
    -v "$HOME:$HOME" -w "$PWD" IMAGE python train.py
- In a network of its own nobody outside reaches the program's port.
- Or put the Python part inside, where no Deno is needed:
  pip install rdg's folder "python" into the image, then
  python -m remote_debug -lp train.py
- debugpy has to be in the image, or in rdg's cache for that Python:
  rdg doctor --fix, run with the image's interpreter.
- An image that sets PYTHONPATH itself replaces rdg's: the program then runs as
  if rdg were not there, and "rdg attach" says so.`;

/** All topics, in the order of the list. */
export const topics: Readonly<Record<string, Topic>> = {
  modes: { summary: "When a program can be looked at", page: () => modes.split("\n") },
  security: { summary: "Who can get in", page: () => security.split("\n") },
  schedulers: { summary: "Which schedulers rdg knows", page: schedulersPage },
  parallel: { summary: "torchrun, srun, mpirun, workers", page: () => parallel.split("\n") },
  containers: { summary: "Apptainer and others", page: () => containers.split("\n") },
  environment: { summary: "Variables and folders of rdg's", page: environmentPage },
  "exit-codes": { summary: "What a command's exit code means", page: exitCodesPage },
};
