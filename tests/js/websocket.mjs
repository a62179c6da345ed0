/**
 * A client's WebSocket (RFC 6455) for Node before 22, which has none: no more of it than the
 * JavaScript client asks for. Text frames without extensions, and nothing that forgives a server.
 */
import { createHash, randomBytes } from "node:crypto";
import { connect } from "node:net";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const [CONTINUED, TEXT, BINARY, CLOSE, PING, PONG] = [0, 1, 2, 8, 9, 10];

export class WebSocket {
  onopen = null;
  onmessage = null;
  onclose = null;
  onerror = null;
  readyState = 0;
  #buffer = Buffer.alloc(0);
  #parts = []; // of a message in several frames
  #end = { code: 1006, reason: "" };
  #socket;

  constructor(address) {
    const { hostname, port, host, pathname } = new URL(address);
    const key = randomBytes(16).toString("base64");
    const accepted = createHash("sha1").update(key + GUID).digest("base64");
    this.#socket = connect({ host: hostname, port: Number(port) || 80 }, () => {
      this.#socket.write(
        `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
      );
    });
    this.#socket.on("data", (bytes) => this.#read(bytes, accepted));
    this.#socket.on("error", () => this.onerror?.(new Event("error")));
    this.#socket.on("close", () => this.#closed());
  }

  send(text) {
    this.#write(TEXT, Buffer.from(text));
  }

  close(code = 1000) {
    if (this.readyState === 0) this.#socket.destroy();
    if (this.readyState !== 1) return;
    this.readyState = 2;
    this.#write(CLOSE, Buffer.from([code >> 8, code & 255]));
    setTimeout(() => this.#socket.destroy(), 1000).unref();
  }

  #closed() {
    this.readyState = 3;
    this.onclose?.(this.#end);
  }

  #write(opcode, payload) {
    const mask = randomBytes(4);
    const size = payload.length;
    const head = Buffer.alloc(size < 126 ? 2 : size < 65536 ? 4 : 10);
    head[0] = 0x80 | opcode;
    head[1] = 0x80 | (size < 126 ? size : size < 65536 ? 126 : 127);
    if (head.length === 4) head.writeUInt16BE(size, 2);
    if (head.length === 10) head.writeBigUInt64BE(BigInt(size), 2);
    this.#socket.write(Buffer.concat([head, mask, payload.map((byte, at) => byte ^ mask[at & 3])]));
  }

  #read(bytes, accepted) {
    this.#buffer = Buffer.concat([this.#buffer, bytes]);
    if (this.readyState === 0 && !this.#upgraded(accepted)) return;
    for (let frame = this.#frame(); frame && this.readyState < 3; frame = this.#frame()) {
      this.#take(...frame);
    }
  }

  #upgraded(accepted) {
    const end = this.#buffer.indexOf("\r\n\r\n");
    if (end < 0) return false;
    const head = this.#buffer.subarray(0, end).toString();
    this.#buffer = this.#buffer.subarray(end + 4);
    if (!head.startsWith("HTTP/1.1 101") || !head.includes(accepted)) {
      this.#socket.destroy(new Error(head.split("\r\n")[0]));
      return false;
    }
    this.readyState = 1;
    this.onopen?.(new Event("open"));
    return true;
  }

  /** The next whole one: whether it is the last of its message, its opcode, its payload. */
  #frame() {
    const all = this.#buffer;
    if (all.length < 2) return null;
    const short = all[1] & 127;
    const head = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (all.length < head) return null;
    const size =
      short < 126 ? short : short === 126 ? all.readUInt16BE(2) : Number(all.readBigUInt64BE(2));
    if (all.length < head + size) return null;
    this.#buffer = all.subarray(head + size);
    return [(all[0] & 128) !== 0, all[0] & 15, all.subarray(head, head + size)];
  }

  #take(last, opcode, payload) {
    if (opcode === PING) this.#write(PONG, payload);
    if (opcode === BINARY) this.onmessage?.({ data: payload });
    if (opcode === TEXT || opcode === CONTINUED) {
      this.#parts.push(payload);
      if (last) this.onmessage?.({ data: Buffer.concat(this.#parts.splice(0)).toString() });
    }
    if (opcode === CLOSE) {
      const code = payload.length > 1 ? payload.readUInt16BE(0) : 1005;
      this.#end = { code, reason: payload.subarray(2).toString() };
      if (this.readyState === 1) this.#write(CLOSE, payload.subarray(0, 2));
      this.readyState = 2;
      this.#socket.end();
    }
  }
}
