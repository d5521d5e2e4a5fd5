/**
 * Loaded before rdg's `main.ts` (`--preload`): a call of a plugin's may take 2 seconds there, not 5.
 *
 * @module
 */

import { limits } from "../../../plugins/drop_in/_process.ts";

Object.assign(limits, { callMs: 2000 });
