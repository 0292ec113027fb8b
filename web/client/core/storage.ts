/**
 * What a browser keeps for this site. Where the viewer has blocked site data every access throws; then it is kept in the page, for as long as the
 * page lives.
 */
export interface Keep {
  /** False where nothing outlives the page. */
  readonly lasts: boolean;
  get(key: string): string | null;
  set(key: string, value: string): void;
  forget(key: string): void;
  keys(): string[];
}

function keepOf(storage: () => Storage): Keep {
  const own = new Map<string, string>();
  const tried = <T>(ask: (storage: Storage) => T, otherwise: T): T => {
    try {
      return ask(storage());
    } catch {
      return otherwise;
    }
  };
  return {
    get lasts() {
      return tried((kept) => {
        kept.setItem('nocturne.lasts', '1');
        kept.removeItem('nocturne.lasts');
        return true;
      }, false);
    },
    get: (key) => own.get(key) ?? tried((kept) => kept.getItem(key), null),
    set: (key, value) => {
      const stands = tried((kept) => {
        kept.setItem(key, value);
        return true;
      }, false);
      if (stands) own.delete(key);
      else own.set(key, value);
    },
    forget: (key) => {
      own.delete(key);
      tried((kept) => kept.removeItem(key), undefined);
    },
    keys: () => [...own.keys(), ...tried((kept) => Object.keys(kept), [])],
  };
}

/** Until the tab is closed. */
export const tabKeep: Keep = keepOf(() => sessionStorage);
/** Until the viewer clears it. */
export const deviceKeep: Keep = keepOf(() => localStorage);
