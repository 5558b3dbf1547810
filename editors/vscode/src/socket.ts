// The way to aad's socket: where it is, dialling it, starting aad, writing to it.
// None of it knows the methods.
import * as cp from "child_process";
import * as net from "net";
import * as os from "os";
import * as path from "path";
import { Message, SocketMessageWriter } from "vscode-jsonrpc/node";

// socketPath is $AA_SOCKET, else aad.sock in the home.
export function socketPath(): string {
  const home = process.env.AA_HOME || path.join(os.homedir(), ".aad");
  return process.env.AA_SOCKET || path.join(home, "aad.sock");
}

export function dial(where: string): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.createConnection(where);
    socket.once("connect", () => resolve(socket));
    socket.once("error", reject);
  });
}

// start has aa start aad, or the installed service.
export function start(command: string | undefined): Promise<void> {
  if (!command) {
    return Promise.reject(new Error("aad does not run, and the setting aad.command is empty"));
  }
  return new Promise((resolve, reject) => {
    cp.execFile(command, ["daemon", "start"], (e, _out, said) => {
      if (!e) {
        resolve();
      } else if (typeof e.code === "string") {
        reject(new Error(`the setting aad.command names no program to start aad with: ${command} (${e.code})`));
      } else {
        reject(new Error(said.trim() || e.message));
      }
    });
  });
}

// Writer turns a write that fails into the socket's end, which refuses what was in
// flight: vscode-jsonrpc would throw the failure where nobody can catch it.
export class Writer extends SocketMessageWriter {
  constructor(private readonly line: net.Socket) {
    super(line);
  }

  async write(message: Message): Promise<void> {
    await super.write(message).catch(() => this.line.destroy());
  }
}
