import type { ClipRow } from '../robotarget/store.ts';
import { change, list, numeric, query, text, type Command, type CommandContext, type Params } from './command.ts';

/** Some answers for RemoteSearchTarget, with the decimal comma that it is known to write. */
const KNOWN_TARGETS: Readonly<Record<string, readonly [ra: string, dec: string, type: string]>> = {
  'M 31': ['00 42 44,330', '+41 16 07,50', 'Galaxy'],
  'M 42': ['05 35 17,300', '-05 23 28,00', 'Nebula'],
  'M 13': ['16 41 41,240', '+36 27 35,50', 'Globular cluster'],
  'M 51': ['13 29 52,711', '+47 11 42,62', 'Galaxy'],
  'M 57': ['18 53 35,079', '+33 01 45,03', 'Planetary nebula'],
};

/** Parameters of RemoteRoboClipAddTarget and UpdateTarget, by the list's own names (AS p.21–68). */
const CLIP_FIELDS: Readonly<Record<string, string>> = {
  targetname: 'TargetName',
  raj2000: 'RAJ2000',
  decj2000: 'DECJ2000',
  pa: 'PA',
  gruppo: 'Group',
  note: 'Note',
  ismosaic: 'IsMosaic',
  frow: 'FROW',
  fcol: 'FCOL',
  tiles: 'TILES',
};
const scalar = (value: unknown): string | number | boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : '';
const clipFields = (params: Params): Record<string, string | number | boolean> =>
  Object.fromEntries(Object.entries(CLIP_FIELDS).map(([name, param]) => [name, scalar(params[param])]));
const includes = (field: unknown, part: unknown): boolean =>
  text(part) === '' || text(field).toLowerCase().includes(text(part).toLowerCase());
const CLIP_ORDERS: ((a: ClipRow, b: ClipRow) => number)[] = [
  (a, b) => Number(b.datecreation) - Number(a.datecreation),
  (a, b) => text(a.targetname).localeCompare(text(b.targetname)),
  (a, b) => `${text(a.gruppo)}/${text(a.targetname)}`.localeCompare(`${text(b.gruppo)}/${text(b.targetname)}`),
  (a, b) => text(b.raj2000).localeCompare(text(a.raj2000)),
  (a, b) => text(a.raj2000).localeCompare(text(b.raj2000)),
];
const clipChange = (effect: string, apply: (context: CommandContext, params: Params) => ClipRow[] | null): Command =>
  change(null, (context, params) => {
    const clips = apply(context, params);
    if (!clips) return { paramRet: { ret: 'Target not found' }, effect: null };
    context.store.setClips(clips);
    return { paramRet: { ret: 'DONE' }, effect: { effect, key: null } };
  });

/** Targets by name: the search, RoboClip's list, RoboOrbits. */
export const CATALOGUES: Readonly<Record<string, Command>> = {
  RemoteSearchTarget: query((_, params) => {
    const name = text(params.Name).replace(/\s+/g, ' ').trim().toUpperCase();
    const known = KNOWN_TARGETS[name.replace(/^MESSIER /, 'M ').replace(/^M(\d)/, 'M $1')];
    if (!known) return { Result: 0, LastError: '', Name: text(params.Name), RAJ2000: '', DECJ2000: '', Info: [] };
    return {
      Result: 1,
      LastError: '',
      Name: name,
      RAJ2000: known[0],
      DECJ2000: known[1],
      Info: [
        { Key: 'Type', Value: known[2] },
        { Key: 'Catalog', Value: 'Messier' },
        { Key: 'Catalog', Value: 'NGC' },
      ],
    };
  }),
  RemoteRoboClipGetTargetList: query((c, params) =>
    list(
      c.store
        .clips()
        .filter(
          (clip) =>
            includes(clip.targetname, params.FilterName) &&
            includes(clip.gruppo, params.FilterGroup) &&
            includes(clip.note, params.FilterNote),
        )
        .toSorted(CLIP_ORDERS[numeric(params, 'Order', 0)] ?? CLIP_ORDERS[0]!),
    ),
  ),
  RemoteRoboClipAddTarget: clipChange('roboclip.add', (c, params) => [
    ...c.store.clips(),
    { guid: text(params.GuidTarget), ...clipFields(params), datecreation: Math.floor(c.pcNow() / 1000) },
  ]),
  RemoteRoboClipUpdateTarget: clipChange('roboclip.update', (c, params) => {
    const clips = c.store.clips();
    return clips.some((clip) => clip.guid === params.RefGuidTarget)
      ? clips.map((clip) => (clip.guid === params.RefGuidTarget ? { ...clip, ...clipFields(params) } : clip))
      : null;
  }),
  // an empty GUID removes all of them
  RemoteRoboClipRemoveTarget: clipChange('roboclip.remove', (c, params) => {
    if (params.RefGuidTarget === '') return [];
    const left = c.store.clips().filter((clip) => clip.guid !== params.RefGuidTarget);
    return left.length === c.store.clips().length ? null : left;
  }),
  RemoteRoboOrbitsGetAsteroids: query((_, params) =>
    list(
      [{ MPName: 'Ceres', AsteroidNumber: '1', NamePreliminaryDesignation: 'A801 AA', RawDataLine: '' }].filter((a) =>
        includes(a.MPName, params.SearchText),
      ),
    ),
  ),
  RemoteRoboOrbitsGetComets: query((_, params) =>
    list(
      [{ CTName: 'Halley', PeriodicCometNumber: '1', DesignationAndName: '1P/Halley', RawDataLine: '' }].filter((a) =>
        includes(a.DesignationAndName, params.SearchText),
      ),
    ),
  ),
};
