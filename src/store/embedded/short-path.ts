import { mkdtemp, rm, rmdir, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What fits into a socket's address on every system, less the socket's name. */
const MAX_PATH_BYTES = 70;

/** A long path is reached through a short link, so that the socket lies in the data folder itself in any case. */
export async function shortPath(folder: string): Promise<{ path: string; forget(): Promise<void> }> {
  if (Buffer.byteLength(folder) <= MAX_PATH_BYTES) return { path: folder, forget: async () => {} };
  const parent = await mkdtemp(join(tmpdir(), "reminder-"));
  const path = join(parent, "d");
  await symlink(folder, path);
  return {
    path,
    forget: async () => {
      await rm(path);
      await rmdir(parent);
    },
  };
}
