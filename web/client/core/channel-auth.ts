import { ApiProblem, type Http } from './http.ts';

interface Signed {
  auth: string;
  channel_data?: string;
}
interface Refused {
  /** HTTP status; none where no answer came. */
  status?: number;
  detail: string;
}
type Answer = Signed | Refused;
type Answered = (error: Error | null, signed: Signed | null) => void;

const PATH = '/broadcasting/auth';

/** Has the channels of a socket signed: all that pusher-js names within one turn by one question. */
export class ChannelAuth {
  private readonly waiting = new Map<string, Map<string, Answered>>();
  private readonly statuses = new Map<string, number>();
  constructor(private readonly http: Http) {}

  /** `channelAuthorization.customHandler` of pusher-js. */
  readonly handler = (asked: { socketId: string; channelName: string }, answered: Answered): void => {
    let channels = this.waiting.get(asked.socketId);
    if (!channels) {
      this.waiting.set(asked.socketId, (channels = new Map()));
      queueMicrotask(() => void this.ask(asked.socketId));
    }
    channels.set(asked.channelName, answered);
  };
  /** The status of a channel's last refusal by HTTP. pusher-js itself tells the status of its own questions alone. */
  statusOf(channel: string): number | undefined {
    return this.statuses.get(channel);
  }

  private async ask(socketId: string): Promise<void> {
    const channels = this.waiting.get(socketId)!;
    this.waiting.delete(socketId);
    let answers: Record<string, Answer | undefined> = {};
    let otherwise: Refused = { detail: 'The server has not said anything of this channel.' };
    try {
      answers = await this.answersOf(socketId, [...channels.keys()]);
    } catch (thrown) {
      otherwise = { detail: String(thrown), ...(thrown instanceof ApiProblem && { status: thrown.status }) };
    }
    for (const [name, answered] of channels) this.pass(name, answers[name] ?? otherwise, answered);
  }
  private async answersOf(socketId: string, names: string[]): Promise<Record<string, Answer | undefined>> {
    const [first] = names as [string, ...string[]];
    // One alone is asked for as servers before this version know it too.
    if (names.length === 1)
      return { [first]: await this.http.post<Answer>(PATH, { socket_id: socketId, channel_name: first }) };
    const asked = { socket_id: socketId, channel_name: names };
    return (await this.http.post<{ channels?: Record<string, Answer> }>(PATH, asked)).channels ?? {};
  }
  private pass(channel: string, answer: Answer, answered: Answered): void {
    this.statuses.delete(channel);
    if ('auth' in answer) {
      answered(null, answer);
      return;
    }
    if (answer.status !== undefined) this.statuses.set(channel, answer.status);
    answered(new Error(answer.detail), null);
  }
}
