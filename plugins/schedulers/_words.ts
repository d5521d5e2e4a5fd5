/**
 * Carries a command through programs that join its words and hand them to a shell. Pure.
 *
 * @module
 */

/**
 * Makes words that give the very same command after they were joined by blanks and read by a shell,
 * whichever shell that is (csh included) and even if it splits at blanks and evaluates a second time.
 *
 * @param command The command, one word each; any characters but NUL.
 * @returns The command itself where no word needs it; else `sh -c` with the command as base64, which
 * replaces itself by the command (stdin and stdout are the command's own). Linux takes 128 KiB in one
 * word, so the command may have about 95,000 bytes.
 */
export function wordsForShell(command: readonly string[]): string[] {
  if (command.every((word) => /^[\w@%+=:,./-]+$/.test(word))) return [...command];
  const quoted = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  const bytes = new TextEncoder().encode(`exec ${quoted}`);
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return ["sh", "-c", `'eval "$(echo ${btoa(binary)} | base64 -d)"'`];
}
