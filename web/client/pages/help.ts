import { Http } from '../core/http.ts';
import { shortcutsInWords } from '../control/shortcuts.ts';
import { defineComponent } from '../core/alpine.ts';
import { prefs } from '../core/prefs.ts';
import { translate } from '../i18n/index.ts';
import { FAQ } from '../i18n/faq.ts';
import { startPage } from '../shell.ts';

const SECTIONS = [
  'header',
  'telescope',
  'camera',
  'focuser',
  'sequence',
  'guiding',
  'preview',
  'images',
  'controls',
  'logs',
  'stats',
  'weather',
] as const;
function help(): object {
  return defineComponent({
    faq: [] as { q: string; a: string }[],
    sections: [] as { title: string; text: string }[],
    keys: [] as { key: string; text: string }[],
    supportUrl: '',
    supportMail: '',
    init(): void {
      this.fill();
      document.addEventListener('nocturne:prefs', () => this.fill());
      void new Http(null).config().then(
        (config) => {
          this.supportUrl = config.supportUrl ?? '';
          this.supportMail = config.supportEmail ? `mailto:${config.supportEmail}` : '';
        },
        () => undefined,
      );
    },
    fill(): void {
      const l = prefs.locale;
      this.faq = FAQ.map((item) => item[l]);
      this.sections = SECTIONS.map((name) => ({
        title: translate(l, `${name}.title`),
        text: translate(l, `${name}.help`),
      }));
      this.keys = shortcutsInWords();
    },
  });
}
startPage({ help });
