/**
 * Runs a program in a real pseudo-terminal (by Python's `pty`), types into it, and waits for what it
 * shows.
 *
 * @module
 */

/** A program in a pseudo-terminal of 100 columns and 30 lines. */
export class Pty implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;
  #text = "";
  #seen = 0;

  /**
   * @param words The program and its arguments.
   * @param prefix What starts a command as somebody else, to whom the terminal is then to belong:
   * Deno reads no whole keys from a terminal of another user's (2.9.6).
   */
  constructor(words: readonly string[], prefix: readonly string[] = []) {
    const driver = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)";
    const size = 'stty cols 100 rows 30; exec "$@"';
    const command = [...prefix, "python3", "-c", driver, "sh", "-c", size, "sh", ...words];
    this.#child = new Deno.Command(command[0]!, {
      args: command.slice(1),
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  /** Everything written so far, as it came. */
  get raw(): string {
    return this.#text;
  }

  /**
   * Gives the terminal another size, as a person does with the mouse.
   *
   * @param columns Its columns.
   * @param rows Its lines.
   */
  async resize(columns: number, rows: number): Promise<void> {
    const { pid } = this.#child;
    const [inside] = (await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`)).split(" ");
    const args = ["-F", `/proc/${inside}/fd/0`, "cols", `${columns}`, "rows", `${rows}`];
    const { success, stderr } = await new Deno.Command("stty", { args }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
  }

  /** Everything shown so far, without colours and cursor movements. */
  get text(): string {
    // deno-lint-ignore no-control-regex -- escape sequences are what has to go
    return this.#text.replaceAll(/\x1b\[[0-9;?]*[A-Za-z]/g, "").replaceAll("\r", "");
  }

  /** Waits until something new matches; what comes before the match's end is not looked at again. */
  async waitFor(pattern: RegExp, timeoutMs = 20_000): Promise<RegExpExecArray> {
    const end = Date.now() + timeoutMs;
    while (true) {
      const found = pattern.exec(this.text.slice(this.#seen));
      if (found) {
        this.#seen += found.index + found[0].length;
        return found;
      }
      if (Date.now() > end) throw new Error(`Waited in vain for ${pattern} in:\n${this.text}`);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }

  /** Types text; `\r` is the Enter key. */
  async type(text: string): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(text));
  }

  /** Waits for the end of the program; returns its exit status. */
  async ended(timeoutMs = 20_000): Promise<number> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), timeoutMs);
    const { code } = await this.#child.status;
    await this.#reading;
    clearTimeout(timer);
    return code;
  }

  /** Ends the program where it still runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGTERM");
    } catch {
      // It has ended.
    }
    await this.#child.status;
    await this.#writer.close().catch(() => {});
    await this.#reading;
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#child.stdout) {
      this.#text += decoder.decode(chunk, { stream: true });
    }
  }
}
