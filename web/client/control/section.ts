import type { Magics } from '../core/alpine.ts';
import type { Http, PageConfig } from '../core/http.ts';
import type { Part } from '../core/parts.ts';
import type { EventData } from '../../../domain/contracts/live-events.ts';
import type { Snapshot, TelescopeState } from '../core/types.ts';
import type { Machine } from './machine.ts';
import type { View } from './view.ts';

/** The page as its sections see it: each section adds what it brings, by a declaration in its own file. */
export interface ControlPage extends Magics {
  m: Machine;
  view: View;
  /** Each takes part in the page's turns, in this order. */
  parts: readonly AnySection[];
}

type Meanings = { [Type in keyof EventData]?: (this: ControlPage, data: EventData[Type]) => void };

/** What a section does at the page's turning points. */
interface Turns {
  /** The page's elements stand. */
  begin?(this: ControlPage): void;
  /** The server was found and has said what it offers. */
  found?(this: ControlPage, http: Http, config: PageConfig): void;
  /** A state of the session came in, and the one before it. */
  snapshot?(this: ControlPage, snapshot: Snapshot, before: Snapshot | null): void;
  telescope?(this: ControlPage, telescope: TelescopeState): void;
  /** Once a second while somebody looks. */
  tick?(this: ControlPage): void;
  /** Shows what `view` does not hold, in an animation frame. */
  paint?(this: ControlPage, view: View): void;
  /** Language, theme or time zone have changed. */
  restyle?(this: ControlPage): void;
  end?(this: ControlPage): void;
}

export interface Section<State extends object, Methods extends object> extends Part<ControlPage, State, Methods> {
  html?: string;
  dialogs?: string;
  turns?: Turns;
  events?: Meanings;
}
export type AnySection = Section<object, object>;
export type { Brings } from '../core/parts.ts';

export const section = <State extends object, Methods extends object>(
  one: Section<State, Methods>,
): Section<State, Methods> => one;
