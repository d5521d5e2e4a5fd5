/**
 * The Python files that travel with rdg, as text imports: they come along from a folder, a URL and a
 * compiled binary. A test compares the list with the folder. Touches nothing.
 *
 * @module
 */

import packageInit from "./remote_debug/__init__.py" with { type: "text" };
import packageMain from "./remote_debug/__main__.py" with { type: "text" };
import adapter from "./remote_debug/_adapter.py" with { type: "text" };
import arm from "./remote_debug/_arm.py" with { type: "text" };
import block from "./remote_debug/_block.py" with { type: "text" };
import command from "./remote_debug/_command.py" with { type: "text" };
import config from "./remote_debug/_config.py" with { type: "text" };
import crash from "./remote_debug/_crash.py" with { type: "text" };
import debugpy from "./remote_debug/_debugpy.py" with { type: "text" };
import door from "./remote_debug/_door.py" with { type: "text" };
import find from "./remote_debug/_find.py" with { type: "text" };
import job from "./remote_debug/_job.py" with { type: "text" };
import launcher from "./remote_debug/_launcher.py" with { type: "text" };
import old from "./remote_debug/_old.py" with { type: "text" };
import port from "./remote_debug/_port.py" with { type: "text" };
import pytest from "./remote_debug/_pytest.py" with { type: "text" };
import record from "./remote_debug/_record.py" with { type: "text" };
import role from "./remote_debug/_role.py" with { type: "text" };
import say from "./remote_debug/_say.py" with { type: "text" };
import session from "./remote_debug/_session.py" with { type: "text" };
import signals from "./remote_debug/_signals.py" with { type: "text" };
import stacks from "./remote_debug/_stacks.py" with { type: "text" };
import tables from "./remote_debug/_tables.py" with { type: "text" };
import sitecustomize from "./remote_debug/_site/sitecustomize.py" with { type: "text" };

/** Texts by path below the package's folder. */
export const pythonFiles: Readonly<Record<string, string>> = {
  "__init__.py": packageInit,
  "__main__.py": packageMain,
  "_adapter.py": adapter,
  "_arm.py": arm,
  "_block.py": block,
  "_command.py": command,
  "_config.py": config,
  "_crash.py": crash,
  "_debugpy.py": debugpy,
  "_door.py": door,
  "_find.py": find,
  "_job.py": job,
  "_launcher.py": launcher,
  "_old.py": old,
  "_port.py": port,
  "_pytest.py": pytest,
  "_record.py": record,
  "_role.py": role,
  "_say.py": say,
  "_session.py": session,
  "_signals.py": signals,
  "_stacks.py": stacks,
  "_tables.py": tables,
  "_site/sitecustomize.py": sitecustomize,
};
