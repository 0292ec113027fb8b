import { unwatched } from '../../../core/alpine.ts';
import { prefs } from '../../../core/prefs.ts';
import type { TelescopeState } from '../../../core/types.ts';
import { section, type Brings } from '../../section.ts';
import html from './section.html';
import { SkyDisc } from './sky.ts';

const CARDINALS = { fr: ['N', 'E', 'S', 'O'], en: ['N', 'E', 'S', 'W'] } as const;

/** The mount and the camera. */
export const telescope = section({
  html,
  state: () => ({
    voyagerStatus: null as TelescopeState['voyager']['status'] | null,
    /** Which devices Voyager says are connected; null where it says nothing. */
    equipment: {} as Record<string, boolean | null>,
    coolingNow: 0,
    coolingScale: 'scaleX(0)',
    sky: unwatched({ disc: null as SkyDisc | null }),
  }),
  methods: {
    takeTelescope(telescope: TelescopeState): void {
      this.m.telescope = telescope;
      this.m.telescopeAtMs = Date.now();
      this.voyagerStatus = telescope.voyager.status;
      this.equipment = {
        mount: telescope.mount.connected,
        camera: telescope.camera.connected,
        focuser: telescope.focuser.connected,
        guiding: telescope.guiding.connected,
      };
      this.sky.disc?.point(telescope.mount.altitude_degrees, telescope.mount.azimuth_degrees);
      for (const one of this.parts) one.turns?.telescope?.call(this, telescope);
    },
    drawSky(): void {
      const mount = this.m.telescope?.mount;
      this.sky.disc = new SkyDisc(this.$refs.sky as unknown as SVGSVGElement, CARDINALS[prefs.locale]);
      this.sky.disc.point(mount?.altitude_degrees, mount?.azimuth_degrees);
    },
  },
  events: {
    'control.updated'(telescope): void {
      this.takeTelescope(telescope);
    },
  },
  turns: {
    begin(): void {
      this.drawSky();
    },
    paint({ cameraPowerPercent }): void {
      this.coolingNow = Math.round(cameraPowerPercent);
      this.coolingScale = `scaleX(${Math.max(0, Math.min(1, cameraPowerPercent / 100))})`;
    },
    restyle(): void {
      this.drawSky();
    },
  },
});

declare module '../../section.ts' {
  interface ControlPage extends Brings<typeof telescope> {}
}
