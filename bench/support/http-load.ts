import { connect, type Socket } from "node:net";

/** A keep-alive connection that carries one request at a time. */
export interface HttpConnection {
  /** Sends JSON and returns the status of the answer, once all of it has arrived. */
  post(path: string, json: string): Promise<number>;
  close(): void;
}

const HEAD_END = "\r\n\r\n";

/**
 * The least that speaks HTTP. Client, server and database share the machine's cores, and a whole HTTP client would take as
 * much of them as the server that is measured.
 */
export async function openHttp({ host, port }: { host: string; port: number }): Promise<HttpConnection> {
  const socket = await opened(host, port);
  let waiting: { resolve: (status: number) => void; reject: (error: Error) => void } | null = null;
  let status = 0;
  /** What is still to come of the body; null while the head is read. */
  let missing: number | null = null;
  let head = "";

  socket.on("data", (chunk) => {
    let bodyBytes = chunk.length;
    if (missing === null) {
      const before = head.length;
      head += chunk.toString("latin1");
      const end = head.indexOf(HEAD_END);
      if (end < 0) return;
      status = Number(head.slice(9, 12));
      missing = Number(/\ncontent-length: (\d+)/i.exec(head.slice(0, end))?.[1]);
      bodyBytes = before + chunk.length - end - HEAD_END.length;
      head = "";
    }
    missing -= bodyBytes;
    if (missing > 0) return;
    missing = null;
    waiting?.resolve(status);
  });
  const fail = () => waiting?.reject(new Error("the server closed the connection"));
  socket.on("error", fail).on("close", fail);

  return {
    post: (path, json) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        socket.write(
          `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n` +
            `Content-Length: ${Buffer.byteLength(json)}${HEAD_END}${json}`,
        );
      }),
    close: () => socket.destroy(),
  };
}

function opened(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true }, () => resolve(socket.off("error", reject)));
    socket.on("error", reject);
  });
}
