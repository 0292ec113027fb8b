import type { Card } from './fits.ts';

export interface ExposureRequest {
  /** 0 LIGHT, 1 BIAS, 2 DARK, 3 FLAT. */
  type: number;
  voyType: 'TEST' | 'SHOT' | 'SYNC';
  target: string;
  exposure: number;
  bin: number;
  gain: number;
  offset: number;
  /** Folders under the root, as Voyager would make them. */
  folders: string[];
  cards: Card[];
  /** Takes the next file of the folder instead of drawing one. */
  handOut: boolean;
  /** Name without folder; made when absent. */
  name?: string;
}
export interface Exposed {
  windowsPath: string;
  filename: string;
  hfd: number;
  starIndex: number;
  min: number;
  max: number;
  mean: number;
  downloadSeconds: number;
}

/** By the request's `type`. */
export const TYPE_NAMES = ['LIGHT', 'BIAS', 'DARK', 'FLAT'] as const;
