import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { onTestFinished } from "vitest";

/** A PostgreSQL that asks for the password, and refuses with it in the message, written like this. Returns its port. */
export async function indiscreetDatabase(form = (password: string) => password): Promise<number> {
  const message = (type: string, body: Buffer): Buffer => {
    const head = Buffer.alloc(5);
    head.write(type);
    head.writeInt32BE(body.length + 4, 1);
    return Buffer.concat([head, body]);
  };
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.write(message("R", Buffer.from([0, 0, 0, 3])));
      socket.once("data", (answer) => {
        const said = `password ${form(answer.subarray(5, -1).toString())} is wrong`;
        socket.end(message("E", Buffer.from(`SFATAL\0VFATAL\0C28P01\0M${said}\0\0`)));
      });
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}
