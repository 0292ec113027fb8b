import { connect, type Socket } from 'node:net';

export interface Answer {
  status: number;
  body: string;
}
interface Asked {
  text: string;
  resolve: (answer: Answer) => void;
  reject: (thrown: Error) => void;
}

/** A browser has its own connections; here these stand for all of them. */
const CONNECTIONS = 64;
const HEAD_END = Buffer.from('\r\n\r\n');

/**
 * Kept-alive HTTP/1.1 connections to an api of ours, whose answers name their length. So plain, since the crowd shares two cores with the api that it
 * measures: `node:http` costs a caller as much as the answer costs the api.
 */
export class Connections {
  private readonly line: Asked[] = [];
  private readonly idle: Connection[] = [];
  private open = 0;
  constructor(private readonly port: number) {}

  ask(method: 'GET' | 'POST', path: string, token: string, body?: object): Promise<Answer> {
    const json = body === undefined ? '' : JSON.stringify(body);
    const type = `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(json)}\r\n`;
    const head = `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1:${this.port}\r\nauthorization: Bearer ${token}\r\n`;
    const text = `${head}${body === undefined ? '' : type}\r\n${json}`;
    return new Promise((resolve, reject) => {
      this.line.push({ text, resolve, reject });
      this.next();
    });
  }
  private next(): void {
    if (this.line.length === 0) return;
    let free = this.idle.pop();
    if (!free && this.open < CONNECTIONS) {
      this.open++;
      const made = new Connection(connect({ host: '127.0.0.1', port: this.port, noDelay: true }));
      made.onIdle = () => {
        this.idle.push(made);
        this.next();
      };
      made.onGone = () => {
        this.open--;
        const at = this.idle.indexOf(made);
        if (at >= 0) this.idle.splice(at, 1);
        this.next();
      };
      free = made;
    }
    free?.ask(this.line.shift()!);
  }
}

/** One question at a time. */
class Connection {
  onIdle = (): void => undefined;
  onGone = (): void => undefined;
  private asked: Asked | null = null;
  private read: Buffer = Buffer.alloc(0);
  constructor(private readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => this.heard(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.asked?.reject(new Error('the connection was closed'));
      this.asked = null;
      this.onGone();
    });
  }
  ask(asked: Asked): void {
    this.asked = asked;
    this.socket.write(asked.text);
  }
  private heard(chunk: Buffer): void {
    this.read = this.read.length === 0 ? chunk : Buffer.concat([this.read, chunk]);
    const headEnd = this.read.indexOf(HEAD_END);
    if (headEnd < 0) return;
    const head = this.read.toString('latin1', 0, headEnd);
    const begin = headEnd + HEAD_END.length;
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1]);
    if (Number.isNaN(length)) throw new Error(`an answer without its length: ${head}`);
    if (this.read.length < begin + length) return;
    const body = this.read.toString('utf8', begin, begin + length);
    this.read = this.read.subarray(begin + length);
    const { asked } = this;
    this.asked = null;
    asked?.resolve({ status: Number(head.slice(9, 12)), body });
    this.onIdle();
  }
}
