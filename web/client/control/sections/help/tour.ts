import { translate, type Locale } from '../../../i18n/index.ts';

const STEPS = ['header', 'preview', 'sequence', 'telescope', 'weather', 'controls'] as const;

/** The guided tour; `show` brings a section into view first (on phones it may be in another deck). */
export async function startTour(root: HTMLElement, locale: Locale, show: (section: string) => void): Promise<void> {
  const { driver } = await import('driver.js');
  const say = (key: string): string => translate(locale, key);
  const tour = driver({
    animate: !matchMedia('(prefers-reduced-motion: reduce)').matches,
    showProgress: true,
    progressText: '{{current}} / {{total}}',
    nextBtnText: say('tour.next'),
    prevBtnText: say('tour.prev'),
    doneBtnText: say('tour.done'),
    overlayOpacity: 0.72,
    stagePadding: 6,
    stageRadius: 18,
    steps: STEPS.map((section) => ({
      element: () => root.querySelector(`[data-section="${section}"]`)!,
      popover: { description: say(`tour.${section}`) },
      onHighlightStarted: () => show(section),
    })),
  });
  tour.drive();
}
