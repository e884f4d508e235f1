import { copyFile, type FileHandle, open } from "node:fs/promises";

const MAX_BYTES = 4 * 1024 * 1024;
const CHECK_MS = 60_000;

/**
 * The file that the server writes its log into, directly: a pipe through us would break with us, and the server is to
 * outlive a crash of ours unharmed. Kept small: past 4 MB it becomes `<file>.1` and starts anew.
 */
export interface ServerLog {
  fd: number;
  /** What was written since `offset`, to find out why a server ended. */
  since(offset: number): Promise<string>;
  size(): Promise<number>;
  close(): Promise<void>;
}

export async function openServerLog(path: string): Promise<ServerLog> {
  // Appending, so that after the file was emptied the server goes on at its new end.
  const file = await open(path, "a+", 0o600);
  await keepSmall(path, file);
  const timer = setInterval(() => keepSmall(path, file).catch(() => {}), CHECK_MS).unref();
  const size = async () => (await file.stat()).size;
  return {
    fd: file.fd,
    size,
    async since(offset) {
      const buffer = Buffer.alloc(Math.max(0, (await size()) - offset));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, offset);
      return buffer.toString("utf8", 0, bytesRead);
    },
    async close() {
      clearInterval(timer);
      await file.close();
    },
  };
}

async function keepSmall(path: string, file: FileHandle): Promise<void> {
  const { size } = await file.stat();
  if (size <= MAX_BYTES) return;
  await copyFile(path, `${path}.1`);
  await file.truncate(0);
}
