/**
 * The profile that the editors' tests use. Touches nothing.
 *
 * @module
 */

import { attachProfile } from "../../../commands/init/profile.ts";
import type { AttachProfile } from "../../../plugins/contract.ts";

/** Folders that are not reached through a link. */
export const profile: AttachProfile = attachProfile({
  localRoot: "/home/ada/proj",
  realRoot: "/home/ada/proj",
});

/** The same project, its home being a link. */
export const linked: AttachProfile = attachProfile({
  localRoot: "/home/ada/proj",
  realRoot: "/pfs/homes/ada/proj",
});
