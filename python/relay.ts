/**
 * The command that runs `node/relay.py` on a node. Pure: the caller runs it, by the scheduler or over
 * ssh.
 *
 * @module
 */

import relay from "./node/relay.py" with { type: "text" };

/** Looks for a Python the way wake.ts does, but hands stdin on. */
const launcher = [
  "source=$1; own=$2; shift 2",
  'for python in "$own" python3 /usr/bin/python3 /usr/libexec/platform-python; do',
  '  command -v "$python" >/dev/null 2>&1 || continue',
  // A Python that doesn't start (a container's, say) must not eat what is meant for the next one.
  '  "$python" -I -S -c "" </dev/null >/dev/null 2>&1 || continue',
  '  exec "$python" -I -S -c "$source" "$@"',
  "done",
  'echo "rdg-relay: no Python 3.6 or later on $(hostname)" >&2; exit 127',
].join("\n");

/**
 * Makes the command.
 *
 * @param options What its first line on stdout is to end in, the addresses to try in order, and the
 * interpreter to try first.
 * @returns Program and arguments.
 */
export function relayCommand(
  options: { nonce: string; targets: readonly (readonly [string, number])[]; python: string },
): string[] {
  const { nonce, targets, python } = options;
  return ["sh", "-c", launcher, "rdg-relay", relay, python, nonce, JSON.stringify(targets)];
}
