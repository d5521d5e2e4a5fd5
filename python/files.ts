/**
 * The Python files that travel with rdg, as text imports: they come along from a folder, a URL and a
 * compiled binary. Written by `deno task generate`. Touches nothing.
 *
 * @module
 */

import initText from "./remote_debug/__init__.py" with { type: "text" };
import mainText from "./remote_debug/__main__.py" with { type: "text" };
import adapterText from "./remote_debug/_adapter.py" with { type: "text" };
import adapterProcess from "./remote_debug/_adapter_process.py" with { type: "text" };
import armText from "./remote_debug/_arm.py" with { type: "text" };
import blockText from "./remote_debug/_block.py" with { type: "text" };
import commandText from "./remote_debug/_command.py" with { type: "text" };
import configText from "./remote_debug/_config.py" with { type: "text" };
import crashText from "./remote_debug/_crash.py" with { type: "text" };
import debugpyText from "./remote_debug/_debugpy.py" with { type: "text" };
import debugpyOutput from "./remote_debug/_debugpy_output.py" with { type: "text" };
import debugpyTracing from "./remote_debug/_debugpy_tracing.py" with { type: "text" };
import doorText from "./remote_debug/_door.py" with { type: "text" };
import doorHanded from "./remote_debug/_door_handed.py" with { type: "text" };
import doorMessages from "./remote_debug/_door_messages.py" with { type: "text" };
import doorTalk from "./remote_debug/_door_talk.py" with { type: "text" };
import doorTries from "./remote_debug/_door_tries.py" with { type: "text" };
import doorUsers from "./remote_debug/_door_users.py" with { type: "text" };
import doorVisitors from "./remote_debug/_door_visitors.py" with { type: "text" };
import findText from "./remote_debug/_find.py" with { type: "text" };
import injectText from "./remote_debug/_inject.py" with { type: "text" };
import jobText from "./remote_debug/_job.py" with { type: "text" };
import launcherText from "./remote_debug/_launcher.py" with { type: "text" };
import listeningText from "./remote_debug/_listening.py" with { type: "text" };
import mainThread from "./remote_debug/_main_thread.py" with { type: "text" };
import momentText from "./remote_debug/_moment.py" with { type: "text" };
import oldText from "./remote_debug/_old.py" with { type: "text" };
import outsideText from "./remote_debug/_outside.py" with { type: "text" };
import portText from "./remote_debug/_port.py" with { type: "text" };
import pytestText from "./remote_debug/_pytest.py" with { type: "text" };
import recordText from "./remote_debug/_record.py" with { type: "text" };
import roleText from "./remote_debug/_role.py" with { type: "text" };
import sayText from "./remote_debug/_say.py" with { type: "text" };
import sessionText from "./remote_debug/_session.py" with { type: "text" };
import signalsText from "./remote_debug/_signals.py" with { type: "text" };
import siteSitecustomize from "./remote_debug/_site/sitecustomize.py" with { type: "text" };
import stacksText from "./remote_debug/_stacks.py" with { type: "text" };
import tablesText from "./remote_debug/_tables.py" with { type: "text" };

/** Texts by path below the package's folder. */
export const pythonFiles: Readonly<Record<string, string>> = {
  "__init__.py": initText,
  "__main__.py": mainText,
  "_adapter.py": adapterText,
  "_adapter_process.py": adapterProcess,
  "_arm.py": armText,
  "_block.py": blockText,
  "_command.py": commandText,
  "_config.py": configText,
  "_crash.py": crashText,
  "_debugpy.py": debugpyText,
  "_debugpy_output.py": debugpyOutput,
  "_debugpy_tracing.py": debugpyTracing,
  "_door.py": doorText,
  "_door_handed.py": doorHanded,
  "_door_messages.py": doorMessages,
  "_door_talk.py": doorTalk,
  "_door_tries.py": doorTries,
  "_door_users.py": doorUsers,
  "_door_visitors.py": doorVisitors,
  "_find.py": findText,
  "_inject.py": injectText,
  "_job.py": jobText,
  "_launcher.py": launcherText,
  "_listening.py": listeningText,
  "_main_thread.py": mainThread,
  "_moment.py": momentText,
  "_old.py": oldText,
  "_outside.py": outsideText,
  "_port.py": portText,
  "_pytest.py": pytestText,
  "_record.py": recordText,
  "_role.py": roleText,
  "_say.py": sayText,
  "_session.py": sessionText,
  "_signals.py": signalsText,
  "_site/sitecustomize.py": siteSitecustomize,
  "_stacks.py": stacksText,
  "_tables.py": tablesText,
};
