/** Alpine's magic members that our components use. */
export interface Magics {
  $root: HTMLElement;
  $refs: Record<string, HTMLElement>;
  $nextTick(callback: () => void): void;
}
/** Lets the methods of a component see its state, the other methods and Alpine's magics as `this`. */
export const defineComponent = <T extends object>(component: T & ThisType<T & Magics>): T => component;
/** Keeps an object out of Alpine's proxies: what holds canvases and sockets, or changes many times a second. */
export const unwatched = <T extends object>(value: T): T => Object.assign(value, { __v_skip: true });
