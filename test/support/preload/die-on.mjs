// Loaded into a program by `node --import`: it kills itself, as the kernel would, when it is about to write DIE_ON to a
// socket. Stands for a message whose sending ends the process: out of memory, a crash in a native library.
import { Socket } from "node:net";

const write = Socket.prototype.write;
Socket.prototype.write = function (chunk, ...rest) {
  // As the receiver hears of it, not as the database does.
  if (this.remotePort === Number(process.env.SMTP_PORT) && String(chunk).includes(process.env.DIE_ON)) {
    process.kill(process.pid, "SIGKILL");
  }
  return write.call(this, chunk, ...rest);
};
