import { prefs } from '../core/prefs.ts';

let audio: AudioContext | null = null;
const TUNES = { image: [659, 880], good: [523, 659, 784], warn: [440, 349], danger: [330, 262, 220] } as const;
export type Tune = keyof typeof TUNES;

/** A few soft notes, made here: nothing is loaded. Silent until the viewer has switched sounds on. */
export function play(tune: Tune): void {
  if (!prefs.sound) return;
  audio ??= new AudioContext();
  void audio.resume();
  TUNES[tune].forEach((frequency, i) => {
    const at = audio!.currentTime + i * 0.14;
    const oscillator = audio!.createOscillator();
    const gain = audio!.createGain();
    oscillator.type = 'sine';
    oscillator.frequency.value = frequency;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(0.12, at + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.001, at + 0.4);
    oscillator.connect(gain).connect(audio!.destination);
    oscillator.start(at);
    oscillator.stop(at + 0.42);
  });
}
