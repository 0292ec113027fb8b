declare module '*.html' {
  const text: string;
  export default text;
}
declare module '*.css';
declare module '@alpinejs/csp' {
  export interface AlpineStatic {
    data(name: string, factory: (...args: never[]) => object): void;
    store<T>(name: string, value: T): void;
    store<T>(name: string): T;
    magic(name: string, factory: (el: HTMLElement) => unknown): void;
    start(): void;
    initTree(el: HTMLElement): void;
    raw<T>(value: T): T;
    reactive<T extends object>(value: T): T;
  }
  const Alpine: AlpineStatic;
  export default Alpine;
}
