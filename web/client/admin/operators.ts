import type * as Browser from '@simplewebauthn/browser';
import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/browser';
import type { Operator } from '../../../domain/contracts/operator.ts';
import { defineComponent } from '../core/alpine.ts';
import { dayAndTime } from '../core/format.ts';
import { ApiProblem, Http, dropFromAddress, forgetToken, keepToken, takeToken } from '../core/http.ts';
import { prefs } from '../core/prefs.ts';
import { say } from '../i18n/index.ts';

/** How operators come in: by an invitation that makes a passkey, later by the passkey; and who has which. */
interface Entry {
  key: string;
  text: string;
  path: string;
  action: string;
  /** The session of this tab: to end it is to sign out. */
  isHere: boolean;
}
interface Row {
  id: string;
  name: string;
  may: string;
  isMe: boolean;
  canEnd: boolean;
  entries: Entry[];
}
const PATH = '/api/admin/operators';

/** Takes `#invitation=…` out of the address at once, so that it stays out of histories. */
function takeInvitation(): string {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const code = fragment.get('invitation');
  if (code !== null) dropFromAddress(fragment, 'invitation');
  return code ?? '';
}
/** What went wrong in a person's words: the server's, else these. */
const wordsFor = (thrown: unknown, otherwise: Parameters<typeof say>[0]): string =>
  thrown instanceof ApiProblem ? thrown.message : say(otherwise);

export function operatorDoor(): object {
  const http = new Http(null);
  const invitation = takeInvitation();
  return defineComponent({
    invited: invitation !== '',
    label: '',
    said: '',
    busy: false,
    async enter(run: (browser: typeof Browser) => Promise<{ token: string }>): Promise<void> {
      if (this.busy) return;
      [this.busy, this.said] = [true, ''];
      try {
        const { token } = await run(await import('@simplewebauthn/browser'));
        keepToken('admin', '', token);
        location.reload();
      } catch (thrown) {
        // An authenticator's own errors all mean that no passkey answered.
        this.said = wordsFor(thrown, 'door.notDone');
      }
      this.busy = false;
    },
    enrol(): Promise<void> {
      return this.enter(async ({ startRegistration }) => {
        const optionsJSON = await http.post<PublicKeyCredentialCreationOptionsJSON>('/api/passkeys/options', {
          invitation,
        });
        const credential = await startRegistration({ optionsJSON });
        return http.post('/api/passkeys', { invitation, credential, label: this.label.trim() });
      });
    },
    signIn(): Promise<void> {
      return this.enter(async ({ startAuthentication }) => {
        const optionsJSON = await http.post<PublicKeyCredentialRequestOptionsJSON>('/api/login/options', {});
        return http.post('/api/login', { credential: await startAuthentication({ optionsJSON }) });
      });
    },
  });
}

function entriesOf({ id, passkeys, sessions }: Operator): Entry[] {
  const at = (time: string): string => dayAndTime(time, prefs.locale);
  const path = (kind: string, one: string): string => `${PATH}/${id}/${kind}/${encodeURIComponent(one)}`;
  return [
    ...passkeys.map((one) => ({
      key: one.id,
      path: path('passkeys', one.id),
      action: say('ops.remove'),
      isHere: false,
      text: say(one.last_used_at ? 'ops.passkeyUsed' : 'ops.passkey', {
        label: one.label,
        at: at(one.last_used_at ?? one.created_at),
      }),
    })),
    ...sessions.map((one) => ({
      key: one.id,
      path: path('sessions', one.id),
      action: say(one.is_this ? 'ops.signOut' : 'ops.endSession'),
      isHere: one.is_this,
      text: say(one.is_this ? 'ops.thisSession' : 'ops.session', { at: at(one.created_at) }),
    })),
  ];
}
function stateOf({ ended_at, invited_until, passkeys, role }: Operator): string {
  if (ended_at) return 'ended';
  return invited_until && passkeys.length === 0 ? 'invited' : role;
}
function rowOf(one: Operator): Row {
  const where = one.telescopes.length > 0 ? one.telescopes.join(', ') : say('desk.all');
  return {
    id: one.id,
    name: one.name,
    may: `${say(`ops.${stateOf(one)}`)} · ${where}`,
    isMe: one.is_me,
    canEnd: !one.is_me && one.ended_at === null,
    entries: entriesOf(one),
  };
}

export function operatorDesk(): object {
  const http = new Http(takeToken('admin'));
  let known: Operator[] = [];
  return defineComponent({
    rows: [] as Row[],
    link: '',
    said: '',
    init(): void {
      document.addEventListener('nocturne:prefs', () => this.paint());
      if (http.token) void this.act(() => Promise.resolve());
    },
    async act(run: () => Promise<unknown>): Promise<void> {
      this.said = '';
      try {
        await run();
        known = (await http.get<{ data: Operator[] }>(PATH)).data;
      } catch (thrown) {
        this.said = wordsFor(thrown, 'ui.error');
      }
      this.paint();
    },
    another(id: string): Promise<void> {
      return this.act(async () => {
        this.link = (await http.post<{ url: string }>(`${PATH}/${id}/invitation`, {})).url;
      });
    },
    end(id: string): Promise<void> {
      return this.remove(`${PATH}/${id}`);
    },
    async remove(path: string, isHere = false): Promise<void> {
      if (!confirm(say('ops.sure'))) return;
      if (isHere) await this.signOut(path);
      else await this.act(() => http.post(path, {}, {}, 'DELETE'));
    },
    /** The page begins anew, at the door. */
    async signOut(path: string): Promise<void> {
      this.said = '';
      try {
        await http.post(path, {}, {}, 'DELETE');
      } catch (thrown) {
        this.said = wordsFor(thrown, 'ui.error');
        return;
      }
      forgetToken('admin');
      location.reload();
    },
    paint(): void {
      this.rows = known.map(rowOf);
    },
  });
}
