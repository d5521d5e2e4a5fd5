/**
 * A registry for packages that speaks as much of JSR's protocol as `deno publish` and `deno run jsr:`
 * need: takes a tarball, and serves its files. Listens on 127.0.0.1.
 *
 * @module
 */

/** A running registry. */
export interface Registry extends AsyncDisposable {
  /** Its address, for `JSR_URL`. */
  readonly url: string;
  /** What was published, by path, each beginning with a slash. */
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

/** The package that it knows. */
export interface PackageName {
  /** `rdg`, without the at sign. */
  scope: string;
  /** `cli`. */
  name: string;
  /** `0.1.0`. */
  version: string;
}

/**
 * Starts it, empty.
 *
 * @param name The package that may be published.
 * @returns The registry.
 */
export function startRegistry({ scope, name, version }: PackageName): Registry {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const base = `/@${scope}/${name}`;
  const api = `/api/scopes/${scope}/packages/${name}`;
  const unknown = () => Response.json({ code: "notFound", message: "none" }, { status: 404 });

  const handle = async (request: Request): Promise<Response> => {
    const { pathname: path } = new URL(request.url);
    if (request.method === "POST") {
      if (path !== `${api}/versions/${version}` || !request.body) return unknown();
      const tar = request.body.pipeThrough(new DecompressionStream("gzip"));
      for (const [file, bytes] of untar(await new Response(tar).bytes())) files.set(file, bytes);
      return Response.json({ id: crypto.randomUUID(), status: "success", error: null });
    }
    if (path === api) return Response.json({ scope, name });
    if (files.size === 0) return unknown();
    if (path === `${base}/meta.json`) {
      return Response.json({ scope, name, latest: version, versions: { [version]: {} } });
    }
    if (path === `${base}/${version}_meta.json`) {
      const entries = [...files].map(async ([file, bytes]) =>
        [file, { size: bytes.length, checksum: await checksum(bytes) }] as const
      );
      const config = JSON.parse(new TextDecoder().decode(files.get("/deno.json")));
      const manifest = Object.fromEntries(await Promise.all(entries));
      return Response.json({ manifest, exports: config.exports });
    }
    const bytes = files.get(path.replace(`${base}/${version}`, ""));
    const type = path.endsWith(".ts") ? "text/typescript" : "application/json";
    return bytes ? new Response(bytes, { headers: { "content-type": type } }) : unknown();
  };

  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, handle);
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    files,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function checksum(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return `sha256-${digest.toHex()}`;
}

/** The files of a tar archive (POSIX.1-1988, "ustar"). */
function* untar(tar: Uint8Array<ArrayBuffer>): Generator<[string, Uint8Array<ArrayBuffer>]> {
  const block = 512;
  const text = (from: number, length: number) =>
    new TextDecoder().decode(tar.subarray(from, from + length)).replace(/\0[^]*$/, "");
  for (let at = 0; at + block <= tar.length;) {
    const name = text(at, 100);
    if (name === "") return;
    const size = parseInt(text(at + 124, 12), 8);
    const prefix = text(at + 345, 155);
    const path = prefix ? `${prefix}/${name}` : name;
    yield [`/${path.replace(/^\.?\//, "")}`, tar.slice(at + block, at + block + size)];
    at += block + Math.ceil(size / block) * block;
  }
}
